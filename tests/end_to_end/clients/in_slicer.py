"""What 3D Slicer does with volumes and segments, done by 3D Slicer's own code (slicer-core) and without its window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)  # it asks for parts of the window

__all__ = ["Scene", "affine_of", "array_of", "places_of"]


def affine_of(volume) -> np.ndarray:
    """The matrix from (i, j, k) to (right, anterior, superior) of a volume, as Slicer has it."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def array_of(image) -> np.ndarray:
    """The values (i, j, k) of image data."""
    flat = vtk_to_numpy(image.GetPointData().GetScalars())
    return flat.reshape(image.GetDimensions()[::-1]).transpose(2, 1, 0)


def places_of(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """The places (right, anterior, superior) of the voxels of a mask (i, j, k), sorted."""
    places = np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]
    return places[np.lexsort(np.round(places, 3).T)]


class Scene:
    """A scene of 3D Slicer with one volume and one segmentation."""

    def __init__(self) -> None:
        self._scene = slicer.vtkMRMLScene()
        self._volumes = slicer.vtkSlicerVolumesLogic()
        self._volumes.SetMRMLScene(self._scene)
        self._segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
        self._segmentations.SetMRMLScene(self._scene)
        self._segmentation = self._scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        self._segmentation.CreateDefaultDisplayNodes()
        self.volume = None

    def load(self, path: Path):
        """Open a volume, as "Add data" does."""
        self.volume = self._volumes.AddArchetypeVolume(str(path), path.name.partition(".")[0])
        assert self.volume is not None, f"3D Slicer cannot open {path.name}"
        self._segmentation.SetReferenceImageGeometryParameterFromVolumeNode(self.volume)
        return self.volume

    def save(self, path: Path) -> Path:
        """Write the volume to a file, as the module does before it sends it."""
        storage = self._scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
        storage.SetFileName(str(path))
        assert storage.WriteData(self.volume)
        return path

    def voxel_at(self, place) -> list[int]:
        """The (i, j, k) that a click at a place (right, anterior, superior) gives, as the module computes it."""
        ijk = np.linalg.inv(affine_of(self.volume)) @ (*place, 1.0)
        return [round(float(index)) for index in ijk[:3]]

    def place_of(self, voxel) -> np.ndarray:
        """The place (right, anterior, superior) of a voxel."""
        return (affine_of(self.volume) @ (*voxel, 1.0))[:3]

    def take(self, path: Path, names: dict[str, int], slice_only: int | None = None) -> None:
        """Take an answer into the segmentation: the i-th name by value gets the voxels of value i + 1.

        Of an answer to a click in a slice, that slice alone is taken.
        """
        segmentation = self._segmentation.GetSegmentation()
        image = sitk.ReadImage(str(path))
        if slice_only is not None:
            image = self._in_slice(image, next(iter(names)), slice_only)
        labels = self._labels(image)
        ids = vtk.vtkStringArray()
        for name in sorted(names, key=names.get):
            segment = segmentation.GetSegmentIdBySegmentName(name) or segmentation.AddEmptySegment(name, name)
            ids.InsertNextValue(segment)
        assert self._segmentations.ImportLabelmapToSegmentationNode(labels, self._segmentation, ids)
        self._scene.RemoveNode(labels)

    def _in_slice(self, image, name: str, k: int):
        """Return what a segment is when one slice of it is replaced; the others stay."""
        segment = self._segmentation.GetSegmentation().GetSegmentIdBySegmentName(name)
        now = sitk.GetArrayFromImage(image)
        merged = np.zeros_like(now)
        if segment:
            ids = vtk.vtkStringArray()
            ids.InsertNextValue(segment)
            labels = self._exported(ids)
            merged = array_of(labels.GetImageData()).T.astype(now.dtype)
            self._scene.RemoveNode(labels)
        merged[k] = now[k]
        whole = sitk.GetImageFromArray(merged)
        whole.CopyInformation(image)
        return whole

    def segment(self, name: str) -> np.ndarray:
        """The places (right, anterior, superior) of the voxels of a segment, sorted."""
        ids = vtk.vtkStringArray()
        ids.InsertNextValue(self._segmentation.GetSegmentation().GetSegmentIdBySegmentName(name))
        labels = self._exported(ids)
        places = places_of(array_of(labels.GetImageData()) > 0, affine_of(labels))
        self._scene.RemoveNode(labels)
        return places

    def load_segmentation(self, path: Path) -> list[str]:
        """Open a segmentation in place of the one there is; return the names of its segments."""
        storage = self._scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
        storage.SetFileName(str(path))
        assert storage.ReadData(self._segmentation)
        return self.names

    def save_segmentation(self, path: Path) -> Path:
        """Write the segmentation as 3D Slicer does."""
        storage = self._scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
        storage.SetFileName(str(path))
        assert storage.WriteData(self._segmentation)
        return path

    @property
    def names(self) -> list[str]:
        """Names of the segments, in their order."""
        segmentation = self._segmentation.GetSegmentation()
        return [segmentation.GetNthSegment(at).GetName() for at in range(segmentation.GetNumberOfSegments())]

    def submit(self, path: Path) -> list[dict]:
        """Write all segments to a file, as Submit Label does; return their names for ``label_info``."""
        segmentation = self._segmentation.GetSegmentation()
        ids = vtk.vtkStringArray()
        segmentation.GetSegmentIDs(ids)
        labels = self._exported(ids)
        storage = self._scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
        storage.SetFileName(str(path))
        assert storage.WriteData(labels)
        self._scene.RemoveNode(labels)
        names = [segmentation.GetSegment(ids.GetValue(at)).GetName() for at in range(ids.GetNumberOfValues())]
        return [{"name": name, "idx": at} for at, name in enumerate(names, start=1)]

    def _exported(self, ids):
        labels = self._scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
        extent = slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY
        assert self._segmentations.ExportSegmentsToLabelmapNode(self._segmentation, ids, labels, self.volume, extent)
        return labels

    def _labels(self, image):
        """Make a label volume of a file that SimpleITK has read, as Slicer's sitkUtils does."""
        values = sitk.GetArrayFromImage(image)
        data = vtk.vtkImageData()
        data.SetDimensions(*image.GetSize())
        flat = numpy_to_vtk(values.ravel(), deep=True)
        data.GetPointData().SetScalars(flat)
        labels = self._scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
        labels.SetAndObserveImageData(data)
        matrix = vtk.vtkMatrix4x4()
        directions = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
        lps = np.column_stack([directions, image.GetOrigin()])
        for row, sign in enumerate((-1, -1, 1)):
            for column in range(4):
                matrix.SetElement(row, column, sign * lps[row, column])
        labels.SetIJKToRASMatrix(matrix)
        return labels
