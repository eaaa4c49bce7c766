"""Files in and out: images with their pixel sizes, sample pairs, results."""
