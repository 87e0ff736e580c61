"""PDF libraries behind the protocol of `mmprolong.pages.renderers`; one file each, found by its name."""
