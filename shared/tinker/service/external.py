"""Weights to take away: files encrypted with age when asked, and links that expire.

A link names one version of one external checkpoint and one file of it, and carries an HMAC, so it
needs no API key (the SDK's downloads send none) and stops working when the checkpoint is deleted
or saved anew. Decryption is the receiver's affair.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

import pyrage

from shared.tinker.errors import NotFoundError, UserError
from shared.tinker.service import manifest
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.records import Checkpoint
from shared.tinker.service.store import OWNER
from shared.tinker.service.tinker_path import TinkerPath, check_name

KIND = "external_weights"
SUFFIX = ".age"
LINK_SECONDS = 3600.0
"""How long a link works. Cookbook and CLI ask for new ones five minutes before the end."""

MOST_RECIPIENTS = 20
_age = cast(Any, pyrage)  # the extension module has no types


def encrypt_folder(folder: Path, recipients: Sequence[str]) -> None:
    """Replace every file of `folder` by `<name>.age`, readable by any of the recipients.

    Args:
        folder: a flat folder of plain files.
        recipients: native `age1...` keys or SSH public keys.

    Raises:
        UserError: a recipient is neither; nothing was encrypted then.
        OSError: the disk is full.
    """
    parsed = [_recipient(one) for one in recipients]
    if not 1 <= len(parsed) <= MOST_RECIPIENTS:
        raise UserError(f"Name 1 to {MOST_RECIPIENTS} age recipients, not {len(parsed)}.")
    for path in sorted(folder.iterdir()):
        with path.open("rb") as plain, path.with_name(path.name + SUFFIX).open("wb") as secret:
            _age.encrypt_io(plain, secret, parsed)
        path.unlink()


def _recipient(text: str) -> Any:
    kind = _age.ssh.Recipient if text.startswith("ssh-") else _age.x25519.Recipient
    try:
        return kind.from_str(text)
    except Exception as error:  # RecipientError for most, plain ValueError for some
        raise UserError(
            f"{text[:40]!r} is no age recipient ({str(error)[:80]}). Expected an age1... public "
            "key or an SSH public key (ssh-ed25519 or ssh-rsa)."
        ) from error


class Links:
    """Makes and checks links. `secret` is the service's own."""

    def __init__(self, checkpoints: Checkpoints, secret: bytes) -> None:
        self._checkpoints = checkpoints
        self._secret = secret

    def of(self, checkpoint: Checkpoint, base_url: str, expires: float) -> Mapping[str, str]:
        """One link per file, by the file's name.

        Args:
            checkpoint: an external one.
            base_url: what the links begin with, without a slash at the end.
            expires: Unix seconds.

        Raises:
            UserError: weights of another kind.
            CheckpointError: a file is missing, cut off or altered.
        """
        if checkpoint.kind != KIND:
            raise UserError(
                f"{checkpoint.tinker_path} cannot be downloaded: only external weights can. Save "
                "them with save_weights_external(name), or use `tinker checkpoint download`."
            )
        folder = self._checkpoints.resolve(checkpoint.tinker_path, OWNER)
        files = manifest.read(folder, checkpoint.manifest_sha256)
        return {name: base_url + self._link(checkpoint, name, int(expires)) for name in files}

    def file(
        self, run_id: str, name: str, file: str, expires: str, signature: str, now: float
    ) -> Path:
        """The file behind a link.

        Raises:
            UserError: the link was altered or has expired.
            NotFoundError: its checkpoint is gone, or was saved anew.
        """
        path = TinkerPath(run_id, KIND, check_name(name))
        try:
            checkpoint = self._checkpoints.find(str(path), OWNER)
        except UserError:
            raise NotFoundError("This link's checkpoint is gone.") from None
        wanted = self._sign(checkpoint, file, expires)
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            raise UserError("This link was altered, or its checkpoint was saved anew.")
        if not int(expires) > now:
            raise UserError("This link has expired; ask for the URLs again.")
        return self._checkpoints.folder(checkpoint) / file

    def _link(self, checkpoint: Checkpoint, file: str, expires: int) -> str:
        parts = "/".join(
            quote(part, safe="") for part in (checkpoint.run_id, checkpoint.name, file)
        )
        signature = self._sign(checkpoint, file, str(expires))
        return f"/kit/v1/files/{parts}?" + urlencode({"expires": expires, "signature": signature})

    def _sign(self, checkpoint: Checkpoint, file: str, expires: str) -> str:
        said = "\0".join((checkpoint.folder, checkpoint.manifest_sha256, file, expires))
        return hmac.new(self._secret, said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
