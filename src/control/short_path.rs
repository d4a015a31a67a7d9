//! The control socket's path, as short as the kernel wants it.

use super::protocol::SOCKET;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Bytes of a socket's address that the kernel takes, with the zero at its end (`sun_path` of `unix(7)`).
const ADDRESS_BYTES: usize = 108;

/// Does something with the path of the socket in a state directory. Where that is too long for the kernel, it is reached
/// through the open directory.
///
/// # Errors
/// The directory cannot be opened, or what `act` says.
pub(super) fn with_socket<T>(state: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = state.join(SOCKET);
    if path.as_os_str().len() < ADDRESS_BYTES {
        return act(&path);
    }
    let folder = File::open(state)?;
    act(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(SOCKET))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_socket_in_a_deep_directory_is_found_like_any_other() {
        let root = std::env::temp_dir().join(format!("ballast-deep-{}", std::process::id()));
        for state in [root.clone(), root.join("a-long-name-of-a-village-".repeat(5)).join(".ballast")] {
            std::fs::create_dir_all(&state).unwrap();
            let _listener = with_socket(&state, |path| UnixListener::bind(path)).unwrap();
            assert!(state.join(SOCKET).exists());
            with_socket(&state, |path| UnixStream::connect(path)).unwrap();
        }
        std::fs::remove_dir_all(root).unwrap();
    }
}
