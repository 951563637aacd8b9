"""What clients call images, and what files are called: an id may be any text, and never becomes part of a path.

>>> key_of("../../etc/passwd")
'05d9dab9d2e77b47c9f40211fe6355c1'
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["Asker", "key_of"]

_LETTERS = 32


def key_of(*texts: str) -> str:
    """Return a name for a folder that stands for some texts: 32 letters of their SHA-256, the same every time."""
    digest = hashlib.sha256()
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:_LETTERS]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as far as a server can tell.

    Two people may call their volumes by one name, such as that of a protocol; each then means their own.

    Parameters
    ----------
    machine
        Network address of the client.
    client
        What it calls itself, which is the same for all who did not change it; empty where it does not.
    """

    machine: str = ""
    client: str = ""

    @property
    def key(self) -> str:
        """What stands for the two on disk."""
        return key_of(self.machine, self.client)

    @property
    def machine_key(self) -> str:
        """What stands for the machine alone."""
        return key_of(self.machine)
