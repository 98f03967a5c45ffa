"""Write the folder of a new plugin: whole, or not at all."""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import TemporaryDirectory

from regulars.errors import InvalidInput, NotUnique
from regulars.scaffold.names import check_plugin_id, plugin_names

__all__ = ["FolderTaken", "new_plugin", "plugin_files"]

TEMPLATE = files("regulars.scaffold") / "template"
ENDING = ".template"
PACKAGE = "package"
PLACEHOLDER = re.compile(r"<<(\w+)>>")


class FolderTaken(NotUnique):
    """The folder of a new plugin is there already."""

    code = "FOLDER_TAKEN"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder} is there already, and nothing is overwritten. Move it, or choose another folder.")


def new_plugin(plugin_id: str, *, into: Path) -> Path:
    """Return the new folder, inside ``into``, that holds a plugin with this id.

    Raises ``PluginIdUnusable``, ``PluginIdTaken`` or ``FolderTaken``; then nothing was written.
    """
    check_plugin_id(plugin_id)
    names = plugin_names(plugin_id)
    folder = into / names["distribution"]
    if not into.is_dir():
        raise InvalidInput(f"There is no folder {into}. Make it, or name another one.", path=("into",))
    if folder.exists() or folder.is_symlink():
        raise FolderTaken(folder)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=into) as beside:
        made = Path(beside) / folder.name
        for name, text in plugin_files(names).items():
            file = made / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        made.rename(folder)
    return folder


def plugin_files(names: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each file of a new plugin, by its path inside the folder."""
    return {
        path: PLACEHOLDER.sub(lambda found: names[found[1]], template.read_text(encoding="utf-8"))
        for path, template in _templates(TEMPLATE, names[PACKAGE])
    }


def _templates(folder: Traversable, package: str, above: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, package, f"{above}{package if entry.name == PACKAGE else entry.name}/")
        else:
            yield f"{above}{entry.name.removesuffix(ENDING)}", entry
