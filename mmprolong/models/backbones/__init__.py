"""One file a model family, found by its name. Each defines `BACKBONE`, which satisfies `Backbone`."""
