"""The pool of PDFs, opened and measured: documents, blocks, thumbnails."""
