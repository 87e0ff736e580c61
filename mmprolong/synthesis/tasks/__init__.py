"""Tasks on real documents; one file each, found by its name: `write(material, segment, rng)` yields questions."""
