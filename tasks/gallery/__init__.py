"""Pages on the families, made from the tasks, their studies and what verification recorded: `make gallery`."""

from mdevalbench.tasks.gallery.pages import write_gallery

__all__ = ["write_gallery"]
