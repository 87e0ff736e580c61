"""Pages as pixels: PDFs rendered at a resolution, thumbnails, stamps."""
