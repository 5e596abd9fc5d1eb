// Package file is the driver for a folder: a local disk, NFS, CFS or any other mounted file
// system. An object is a file, its key the path below the folder.
//
// An object is written to a temporary file beside its place, synced, moved there in one step,
// and the folder synced. Temporary files have a name that no key can have, so a listing never
// shows one; those of crashed processes are removed when the folder is next written to.
//
// What may not happen here: an answer before the bytes and their name would survive a power
// cut, or a file that is not tripod's being listed, changed or removed. Files and folders are
// made for their owner alone, since backups are secrets.
package file
