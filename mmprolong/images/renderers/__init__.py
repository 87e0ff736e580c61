"""PDF libraries behind the protocol of `mmprolong.images.renderer`; one file each, found by its name."""
