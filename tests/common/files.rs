//! Python's own web server with a folder of documents, in a process of its own.

use super::{Scratch, free_port, wait_for};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// Documents that are served under their names, until this is dropped.
pub struct Files {
    child: Mutex<Child>,
    folder: Scratch,
    /// Where it listens on loopback.
    pub port: u16,
}

impl Files {
    /// Serves an empty folder, or skips visibly.
    pub fn start(what: &str) -> Option<Self> {
        let python = super::modbus::python("http.server", what)?;
        let (folder, port) = (Scratch::new("files"), free_port());
        let mut command = Command::new(python);
        command.args(["-m", "http.server", "--protocol", "HTTP/1.1", "--bind", "127.0.0.1", "--directory"]);
        command.arg(&folder.0).arg(port.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("Python runs");
        let files = Self { child: Mutex::new(child), folder, port };
        wait_for("the web server to listen", Duration::from_secs(20), || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Some(files)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Puts a document there, at once: nobody reads a half of it.
    pub fn put(&self, name: &str, document: &[u8]) {
        let place = self.folder.0.join(name);
        std::fs::create_dir_all(place.parent().expect("a file in a folder")).expect("it can be made");
        let other = self.folder.0.join(".new");
        std::fs::write(&other, document).expect("it can be written");
        std::fs::rename(other, place).expect("it can be put there");
    }

    /// Kills it: nobody answers any more.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("no holder panics");
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.kill();
    }
}
