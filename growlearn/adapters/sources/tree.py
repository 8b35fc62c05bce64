"""From a url to the folder it names."""

from __future__ import annotations

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from growlearn.adapters.sources.found import Tree
from growlearn.adapters.sources.local_tree import LocalTree
from growlearn.adapters.sources.remote_tree import RemoteTree, unreachable
from growlearn.domain.errors import GrowLearnError


def open_tree(url: str) -> Tree:
    """The folder at a path or fsspec url; raises GrowLearnError where nothing can open such a url."""
    try:
        filesystem, path = url_to_fs(url)
    except ImportError as error:
        raise GrowLearnError(
            f"{url} cannot be opened: {error}",
            cure="install what it names; for s3: pip install growlearn[s3]",
        ) from error
    except ValueError as error:
        raise GrowLearnError(f"{url} cannot be opened: {error}", cure="correct source.url") from error
    except Exception as error:  # some file systems connect at once, and each raises errors of its own
        raise unreachable(url, error) from error
    if isinstance(filesystem, LocalFileSystem):
        return LocalTree(path)
    return RemoteTree(filesystem, path)
