//! A web server in a process of its own, see `peer.py`.

use crate::folder::Folder;
use crate::ports::free_port;
use crate::support::PATIENCE;
use ballast_drivers::Report;
use ballast_drivers::readings::Batch;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A Python with the packages of the tests, as `scripts/setup.sh test` makes it; `None`, told on standard error, where
/// there is none.
fn python() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/python/bin/python");
    let is_fit = |python: &PathBuf| {
        let mut command = Command::new(python);
        command.args(["-c", "import httpbin, authlib"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = [own, PathBuf::from("python3")].into_iter().find(is_fit);
    if found.is_none() {
        eprintln!("skipped: there is no Python with httpbin and Authlib (scripts/setup.sh test)");
    }
    found
}

pub(crate) struct Peer {
    python: PathBuf,
    arguments: Vec<String>,
    child: Child,
    pub(crate) port: u16,
    /// What it serves, where that is files.
    _folder: Option<Folder>,
}

impl Peer {
    /// A connection for each request.
    pub(crate) fn closing() -> Option<Self> {
        Self::start("HTTP/1.0", &[])
    }

    /// In the newer words; it closes behind each answer too, and says so.
    pub(crate) fn keeping() -> Option<Self> {
        Self::start("HTTP/1.1", &[])
    }

    /// With a certificate and its key.
    pub(crate) fn secure(certificate: &Path, key: &Path) -> Option<Self> {
        Self::start("HTTP/1.1", &[certificate, key])
    }

    /// Python's own server with some files, which keeps connections open.
    pub(crate) fn files(files: &[(&str, &str)]) -> Option<Self> {
        let python = python()?;
        let port = free_port();
        let folder = Folder::new(&format!("files-{port}"));
        for (name, text) in files {
            folder.write(name, text);
        }
        let place = folder.0.to_string_lossy().into_owned();
        let line = ["-m", "http.server", "--protocol", "HTTP/1.1", "--bind", "127.0.0.1", "--directory"];
        let mut arguments: Vec<String> = line.map(str::to_owned).to_vec();
        arguments.extend([place, port.to_string()]);
        let child = run(&python, &arguments, port);
        Some(Self { python, arguments, child, port, _folder: Some(folder) })
    }

    fn start(version: &str, files: &[&Path]) -> Option<Self> {
        let python = python()?;
        let port = free_port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/peer.py");
        let mut arguments = vec![script.to_string_lossy().into_owned(), port.to_string(), version.to_owned()];
        arguments.extend(files.iter().map(|file| file.to_string_lossy().into_owned()));
        let child = run(&python, &arguments, port);
        Some(Self { python, arguments, child, port, _folder: None })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = run(&self.python, &self.arguments, self.port);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn run(python: &Path, arguments: &[String], port: u16) -> Child {
    let mut command = Command::new(python);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the peer does not start");
        std::thread::yield_now();
    }
    child
}

/// Whether something was said of the link or of a document.
pub(crate) fn is_said(heard: &Batch, part: &str) -> bool {
    heard.reports.iter().any(|report| matches!(report, Report::Link { text, .. } if text.contains(part)))
}
