"""The folder at a url."""

from __future__ import annotations

import os

from fsspec.core import url_to_fs

from growlearn.adapters.sources.listing import FileTree
from growlearn.adapters.sources.local_tree import LocalTree
from growlearn.adapters.sources.remote_tree import RemoteTree, make_unreachable_error
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.locations import get_local_path


def open_tree(url: str) -> FileTree:
    """The folder at a path or fsspec url; raises GrowLearnError for a url that cannot be opened."""
    local_path = get_local_path(url)
    if local_path is not None:
        return LocalTree(os.path.expanduser(local_path))
    try:
        filesystem, path = url_to_fs(url)
    except ImportError as error:
        raise GrowLearnError(
            f"{url} cannot be opened: {error}",
            hint="install what it names; for s3: pip install growlearn[s3]",
        ) from error
    except ValueError as error:
        raise GrowLearnError(f"{url} cannot be opened: {error}", hint="correct source.url") from error
    except Exception as error:  # some file systems connect at once, and each raises its own errors
        raise make_unreachable_error(url, error) from error
    return RemoteTree(filesystem, path)
