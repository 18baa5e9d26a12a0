"""The residents' portal: pages in French, rendered here, whole without any script."""
