"""What the MONAI Label module of 3D Slicer asks of a server, in its order, by the real client."""

from __future__ import annotations

import hashlib
import urllib.request
from pathlib import Path

from in_slicer import Scene
from monailabel.client import MONAILabelClient

__all__ = ["Module"]


class Module:
    """The module, with a volume in its scene.

    Parameters
    ----------
    address
        What a person enters as the server's address.
    folder
        For files.
    ending
        What files are sent as: the module's setting "File Extension".
    """

    def __init__(self, address: str, folder: Path, ending: str = ".nii.gz") -> None:
        self.address, self.folder, self.ending = address, folder, ending
        self._client = MONAILabelClient(address, str(folder), client_id="user-xyz")
        self.scene = Scene()
        self.sample: dict = {}

    @property
    def client(self) -> MONAILabelClient:
        """The client; the module asks about a login before every request."""
        assert self._client.auth_enabled() is False
        return self._client

    def refresh(self) -> dict:
        """Ask what there is."""
        return self.client.info()

    def next_sample(self, strategy: str) -> dict:
        """Ask for the next image and open it."""
        self.client.info()
        self.sample = self.client.next_sample(strategy, {})
        if self.sample:
            self.open_sample(self.sample)
            self.client.datastore()
        return self.sample

    def open_sample(self, sample: dict) -> None:
        """Fetch an image without any header, as the module does, check it, and open it."""
        self.sample = sample
        path = self.folder / sample["name"]
        name = urllib.parse.quote_plus(sample["id"])
        with urllib.request.urlopen(f"{self.address}/datastore/image?image={name}") as answer:
            path.write_bytes(answer.read())
        if "checksum" in sample:
            kind, _, digest = sample["checksum"].partition(":")
            assert hashlib.new(kind.lower(), path.read_bytes()).hexdigest() == digest
        self.scene.load(path)

    def use(self, path: Path) -> None:
        """Work on a volume of one's own, which is a session until it is uploaded."""
        self.scene.load(path)
        self.sample = {"id": path.name.partition(".")[0], "session": True}

    def segment(self, model: str, **params) -> dict:
        """Auto Segmentation: an own volume goes into the data set first."""
        self._upload()
        return self._infer(model, params, None)

    def click(self, model: str, segment: str, foreground=(), background=(), **params) -> dict:
        """Click: an own volume is lent for a while. Of a model for slices, that of the last point is asked for."""
        info = self.client.info()
        self._lend()
        flat = info["models"].get(model, {}).get("dimension", 3) == 2
        points = [*foreground, *background]
        if flat:
            params["slice"] = points[-1][2]
        params |= {
            "label": segment,
            "foreground": [list(point) for point in foreground],
            "background": [list(point) for point in background],
            "reset_state": False,
        }
        return self._infer(model, params, self.sample.get("session_id"), params.get("slice"))

    def scribble(self, model: str, segment: str, **params) -> dict:
        """Scribbles: all segments go along, those that were painted for it among them."""
        self._lend()
        path = self.folder / f"scribbles{self.ending}"
        names = [one["name"] for one in self.scene.submit(path)]
        params |= {
            "label_info": [{"name": name, "id": name} for name in names],
            "selected_label_name": segment,
        }
        return self._infer(model, params, self.sample.get("session_id"), label=path)

    def submit(self, **params) -> dict:
        """Submit Label."""
        self._upload()
        path = self.folder / f"tmp{self.ending}"
        label_info = self.scene.submit(path)
        return self.client.save_label(self.sample["id"], str(path), params={"label_info": label_info, **params})

    def _upload(self) -> None:
        if self.sample.get("session"):
            path = self.scene.save(self.folder / f"upload{self.ending}")
            answer = self.client.upload_image(str(path), self.sample["id"])
            self.sample = {"id": answer["image"]}

    def _lend(self) -> None:
        if not self.sample.get("session"):
            return
        known = self.sample.get("session_id")
        if known and self.client.get_session(known):
            return
        path = self.scene.save(self.folder / f"session{self.ending}")
        answer = self.client.create_session(str(path))
        assert answer["session_info"]
        self.sample["session_id"] = answer["session_id"]

    def _infer(
        self,
        model: str,
        params: dict,
        session: str | None,
        slice_only: int | None = None,
        label: Path | None = None,
    ) -> dict:
        params = {"result_extension": ".nrrd", "result_dtype": "uint8", **params}
        file, told = self.client.infer(
            model, self.sample["id"], params, label_in=label and str(label), session_id=session
        )
        names = told["label_names"]
        self.scene.take(Path(file), names, slice_only)
        Path(file).unlink()
        return told
