package archive

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// networkFileSystems are those whose flock may be granted twice, or whose folder another
// machine sees too. FUSE may be one.
var networkFileSystems = map[int64]bool{
	unix.NFS_SUPER_MAGIC: true, unix.SMB_SUPER_MAGIC: true, unix.CIFS_SUPER_MAGIC: true, unix.SMB2_SUPER_MAGIC: true,
	unix.FUSE_SUPER_MAGIC: true, unix.V9FS_MAGIC: true, unix.AFS_SUPER_MAGIC: true, unix.CODA_SUPER_MAGIC: true,
	unix.NCP_SUPER_MAGIC: true, unix.OCFS2_SUPER_MAGIC: true,
	0x00c36400: true, // Ceph
	0x0bd00bd0: true, // Lustre
	0x01161970: true, // GFS2
	0x47504653: true, // GPFS
}

// isLocal tells whether a folder lies on a file system of this machine alone.
func isLocal(dir string) (bool, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false, fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	return !networkFileSystems[int64(fs.Type)&0xffffffff], nil
}
