"""Whether a folder lies on a file system that several machines share, where SQLite's WAL is unsafe.

WAL keeps its index in memory that all processes of one machine share; two machines would not see
each other's, and a network file system may say nothing of it. Source: https://sqlite.org/wal.html.
"""

from __future__ import annotations

from pathlib import Path

MOUNTS = Path("/proc/self/mounts")  # of Linux; elsewhere SQLite's own refusal must do
SHARED = (
    "nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "gluster", "orangefs",
    "pvfs", "ocfs", "gfs", "weka", "fuse.",
)  # fmt: skip
LOCAL_FUSE = ("fuse.overlayfs", "fuse.fuse-overlayfs", "fuse.ntfs", "fuse.exfat", "fuseblk")


def is_shared(folder: Path) -> bool:
    """Tell whether a folder lies on a network file system, as far as the machine tells."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
        place = folder.resolve()
    except OSError:
        return False
    best, kind = -1, ""
    for line in lines:
        _, point, file_system, *_ = [*line.split(), "", "", ""]
        mount = Path(point.encode().decode("unicode_escape"))  # a space stands as \\040
        if len(mount.parts) > best and place.is_relative_to(mount):
            best, kind = len(mount.parts), file_system
    return kind.startswith(SHARED) and not kind.startswith(LOCAL_FUSE)
