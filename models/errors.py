"""Errors of the model lifecycle; each message names the file and the next thing to do."""


class ModelsError(Exception):
    """Base of everything `models` raises on purpose."""


class ItemLibraryError(ModelsError):
    """A sprite set or a folder of photographs cannot be used."""


class DatasetError(ModelsError):
    """A data set cannot be composed, split or read."""


class TrainingError(ModelsError):
    """Training cannot start or go on."""


class ShelfError(ModelsError):
    """A bundle may not or cannot be promoted or rolled back."""


class ExportError(ModelsError):
    """A network cannot be exported, or differs from what was trained."""
