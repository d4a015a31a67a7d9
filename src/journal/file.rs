//! The journal as a file.
//!
//! All numbers are little endian, all checksums CRC-32 (IEEE 802.3).
//!
//! | part | fields |
//! |---|---|
//! | start | `BALLASTJ`, format (u16), number of segments (u32), length of the header (u32), checksum of these three and the header (u32) |
//! | header | postcard: [`Header`], then the plans |
//! | each segment | `SEGM`, start (u64, nanoseconds), plan (u32, its place in the header), length and checksum of the checkpoint (u32 each), length of the records (u32), their number (u32), how many were lost after them (u32), checksum of all this (u32), checkpoint, records, checksum of the records (u32) |
//!
//! Every byte is covered by a checksum or must have one value, so a flipped bit is found. A file that ends early (a
//! copy that broke off) is read as far as it goes, and says so. It is never taken for a whole one.

use super::ring::Tape;
use super::segment::{Plan, Segment, whole_records};
use ballast_model::Mono;
use ballast_model::frame::crc32;
use ballast_model::time::Wall;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

const MAGIC: &[u8; 8] = b"BALLASTJ";
const SEGMENT_MAGIC: &[u8; 4] = b"SEGM";
/// Raised when the layout changes; a file of another format is refused.
const FORMAT: u16 = 1;
/// A longer file is no journal of this program: the ring holds a quarter of it.
const FILE_BYTES_MAX: u64 = 128 << 20;

/// What a person wants to know about a journal before replaying it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The site's name.
    pub site: String,
    /// The version of the program that wrote it.
    pub program: String,
    /// Why it was written: `alarm: battery too hot`, `command`.
    pub reason: String,
    /// Both clocks when it was written, so that the records' moments can be shown as dates.
    pub written: Wall,
}

/// A journal that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// What it is about.
    pub header: Header,
    /// Oldest first. Each can be replayed from its checkpoint.
    pub segments: Vec<Segment>,
    /// Set when the file ends early.
    pub cut: Option<Cut>,
}

/// How far a file that ends early could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Segments that are there, the broken one included if some of it is used.
    pub segments: u32,
    /// Segments that were written.
    pub segments_written: u32,
    /// Records of the broken segment that are used, and how many were written; their checksum is missing. `None` where
    /// the file ends between two segments or before the first record.
    pub records: Option<(u32, u32)>,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file ends early: {} of {} segments are used", self.segments, self.segments_written)?;
        match self.records {
            None => Ok(()),
            Some((used, written)) => {
                write!(f, ", of the last one {used} of {written} records (their checksum is missing)")
            }
        }
    }
}

/// Why a journal could not be written or read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The disk, or the way to the file.
    #[error("{path}: {source}")]
    Io {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another kind of file.
    #[error("{path} is not a journal")]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// Written by a program with another layout.
    #[error(
        "{path} has journal format {found}, this program knows format {FORMAT}: use the program that wrote it"
    )]
    OtherFormat {
        /// The journal.
        path: PathBuf,
        /// Its layout.
        found: u16,
    },
    /// Longer than any journal.
    #[error("{path} has {bytes} bytes; a journal has at most {FILE_BYTES_MAX}")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// It ends too early to be of use.
    #[error("{path} ends within its header, so nothing of it can be used")]
    HeaderCut {
        /// The journal.
        path: PathBuf,
    },
    /// Something else stands there than was written.
    #[error("{path} is damaged in its header: {what}")]
    HeaderDamaged {
        /// The journal.
        path: PathBuf,
        /// How that was found.
        what: &'static str,
    },
    /// Something else stands there than was written.
    #[error("{path} is damaged in segment {segment} of {of}: {what}")]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Which segment, from 1.
        segment: u32,
        /// How many there are.
        of: u32,
        /// How that was found.
        what: &'static str,
    },
    /// More than was written.
    #[error("{path} goes on after its last segment")]
    Trailing {
        /// The journal.
        path: PathBuf,
    },
}

impl Tape {
    /// Writes the journal: the file is there whole or, on an error, not at all, and an older one of that name stays.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the disk says so.
    pub fn dump(&self, header: &Header, path: &Path) -> Result<(), JournalError> {
        let name = path.file_name().unwrap_or_default();
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(hidden);
        self.write_whole(header, &temporary, path).map_err(|source| {
            // What is half written is of no use; what cannot be removed either is the disk's trouble.
            let _ = fs::remove_file(&temporary);
            JournalError::Io { path: path.to_owned(), source }
        })
    }

    fn write_whole(&self, header: &Header, temporary: &Path, path: &Path) -> io::Result<()> {
        // It tells when people are at home, so it is for the user who runs the program.
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(temporary)?;
        let mut out = BufWriter::new(file);
        self.write(header, &mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(temporary, path)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn write(&self, header: &Header, out: &mut impl Write) -> io::Result<()> {
        let (plans, places) = self.plans();
        self.write_start(header, &plans, out)?;
        self.segments.iter().zip(places).try_for_each(|(segment, plan)| write_segment(segment, plan, out))
    }

    /// The plans of the segments, each once, and which one each segment has.
    fn plans(&self) -> (Vec<&Arc<Plan>>, Vec<usize>) {
        let mut plans: Vec<&Arc<Plan>> = Vec::new();
        let mut places = Vec::new();
        for segment in &self.segments {
            let is_known = |plan: &&Arc<Plan>| Arc::ptr_eq(plan, &segment.plan) || **plan == segment.plan;
            let known = plans.iter().rposition(is_known);
            places.push(known.unwrap_or_else(|| {
                plans.push(&segment.plan);
                plans.len() - 1
            }));
        }
        (plans, places)
    }

    fn write_start(&self, header: &Header, plans: &[&Arc<Plan>], out: &mut impl Write) -> io::Result<()> {
        let plans: Vec<&Plan> = plans.iter().map(|plan| plan.as_ref()).collect();
        let header = postcard::to_stdvec(&(header, plans)).map_err(io::Error::other)?;
        let mut start = FORMAT.to_le_bytes().to_vec();
        start.extend(length(self.segments.len())?);
        start.extend(length(header.len())?);
        let checksum = crc32(&[start.as_slice(), &header].concat());
        out.write_all(MAGIC)?;
        out.write_all(&start)?;
        out.write_all(&checksum.to_le_bytes())?;
        out.write_all(&header)
    }
}

/// A journal that is in memory only: for whoever sends or writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen {
    /// What it is about.
    pub header: Header,
    /// What the ring held.
    pub tape: Tape,
}

impl Frozen {
    /// The bytes of its file, piece by piece, so that not all of it is there at once: the start, then each segment.
    /// `None` after the last one.
    ///
    /// # Errors
    /// When it is longer than a file can be.
    pub fn piece(&self, index: usize) -> io::Result<Option<Vec<u8>>> {
        let (plans, places) = self.tape.plans();
        let mut piece = Vec::new();
        let Some(index) = index.checked_sub(1) else {
            self.tape.write_start(&self.header, &plans, &mut piece)?;
            return Ok(Some(piece));
        };
        let segment = self.tape.segments.get(index).zip(places.get(index));
        segment.map(|(segment, plan)| write_segment(segment, *plan, &mut piece).map(|()| piece)).transpose()
    }
}

fn write_segment(segment: &Segment, plan: usize, out: &mut impl Write) -> io::Result<()> {
    let mut head = SEGMENT_MAGIC.to_vec();
    head.extend(segment.started.nanos().to_le_bytes());
    head.extend(length(plan)?);
    head.extend(length(segment.checkpoint.len())?);
    head.extend(crc32(&segment.checkpoint).to_le_bytes());
    head.extend(length(segment.body.len())?);
    head.extend(segment.records.to_le_bytes());
    head.extend(segment.lost.to_le_bytes());
    out.write_all(&head)?;
    out.write_all(&crc32(&head).to_le_bytes())?;
    out.write_all(&segment.checkpoint)?;
    out.write_all(&segment.body)?;
    out.write_all(&crc32(&segment.body).to_le_bytes())
}

fn length(length: usize) -> io::Result<[u8; 4]> {
    u32::try_from(length).map(u32::to_le_bytes).map_err(io::Error::other)
}

/// Reads a journal, the whole of it or, when it ends early, everything up to the last whole record.
///
/// # Errors
/// When the file cannot be read, is no journal, or holds something else than what was written.
pub fn read(path: &Path) -> Result<Journal, JournalError> {
    let load = || -> io::Result<(u64, Vec<u8>)> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut content = Vec::new();
        if bytes <= FILE_BYTES_MAX {
            file.take(FILE_BYTES_MAX).read_to_end(&mut content)?;
        }
        Ok((bytes, content))
    };
    let (bytes, content) = load().map_err(|source| JournalError::Io { path: path.to_owned(), source })?;
    if bytes > FILE_BYTES_MAX {
        return Err(JournalError::TooLong { path: path.to_owned(), bytes });
    }
    Reader { path, rest: &content }.journal()
}

/// Reads a journal from what a running program sends; `from` names it in an error.
///
/// # Errors
/// When it cannot be received, is no journal, or is something else than what was sent.
pub fn receive(stream: impl Read, from: &Path) -> Result<Journal, JournalError> {
    let mut content = Vec::new();
    stream
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut content)
        .map_err(|source| JournalError::Io { path: from.to_owned(), source })?;
    Reader { path: from, rest: &content }.journal()
}

/// The start of the file, decoded.
struct Start {
    header: Header,
    plans: Vec<Arc<Plan>>,
    segments: u32,
}

/// What stands before a checkpoint.
struct Head {
    started: Mono,
    plan: u32,
    checkpoint: (u32, u32),
    body: u32,
    records: u32,
    lost: u32,
}

/// A segment as far as it is there.
enum Found {
    Whole(Segment),
    /// With the number of records that were written.
    Broken(Segment, u32),
    Nothing,
}

struct Reader<'a> {
    path: &'a Path,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn journal(mut self) -> Result<Journal, JournalError> {
        let start = self.start()?;
        let mut segments = Vec::new();
        let mut cut = None;
        for index in 0..start.segments {
            let found = self.segment(&start.plans).map_err(|what| JournalError::Damaged {
                path: self.path.to_owned(),
                segment: index + 1,
                of: start.segments,
                what,
            })?;
            let records = match found {
                Found::Whole(segment) => {
                    segments.push(segment);
                    continue;
                }
                Found::Broken(segment, written) => {
                    let records = (segment.records, written);
                    segments.push(segment);
                    Some(records)
                }
                Found::Nothing => None,
            };
            let used = index + u32::from(records.is_some());
            cut = Some(Cut { segments: used, segments_written: start.segments, records });
            break;
        }
        if cut.is_none() && !self.rest.is_empty() {
            return Err(JournalError::Trailing { path: self.path.to_owned() });
        }
        Ok(Journal { header: start.header, segments, cut })
    }

    fn start(&mut self) -> Result<Start, JournalError> {
        let path = || self.path.to_owned();
        let Some(magic) = self.rest.get(..MAGIC.len()) else {
            let is_start = !self.rest.is_empty() && MAGIC.starts_with(self.rest);
            return Err(if is_start {
                JournalError::HeaderCut { path: path() }
            } else {
                JournalError::NotAJournal { path: path() }
            });
        };
        if magic != MAGIC {
            return Err(JournalError::NotAJournal { path: path() });
        }
        let (cut, damaged) = (
            || JournalError::HeaderCut { path: path() },
            |what| JournalError::HeaderDamaged { path: path(), what },
        );
        let all = self.rest;
        let mut at = Reader { path: self.path, rest: all.get(MAGIC.len()..).unwrap_or_default() };
        let format = at.take(2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_le_bytes);
        let format = format.ok_or_else(cut)?;
        if format != FORMAT {
            return Err(JournalError::OtherFormat { path: path(), found: format });
        }
        let segments = at.number().ok_or_else(cut)?;
        let length = at.number().ok_or_else(cut)?;
        let checksum = at.number().ok_or_else(cut)?;
        let header = at.take(length as usize).ok_or_else(cut)?;
        let start = all.get(MAGIC.len()..MAGIC.len() + 10).ok_or_else(cut)?;
        if crc32(&[start, header].concat()) != checksum {
            return Err(damaged("its checksum is wrong"));
        }
        let (header, plans): (Header, Vec<Plan>) =
            postcard::from_bytes(header).map_err(|_| damaged("it holds something else than a header"))?;
        self.rest = at.rest;
        Ok(Start { header, plans: plans.into_iter().map(Arc::new).collect(), segments })
    }

    fn segment(&mut self, plans: &[Arc<Plan>]) -> Result<Found, &'static str> {
        let Some(head) = self.head()? else { return Ok(Found::Nothing) };
        let plan = plans.get(head.plan as usize).ok_or("it names a plan that is not in the header")?;
        let Some(checkpoint) = self.take(head.checkpoint.0 as usize) else { return Ok(Found::Nothing) };
        if crc32(checkpoint) != head.checkpoint.1 {
            return Err("the checksum of its checkpoint is wrong");
        }
        let body = self.take(head.body as usize);
        let checksum = body.and_then(|_| self.number());
        let there = body.unwrap_or(self.rest);
        let (records, last, used) = whole_records(there, head.started, head.records);
        let segment = Segment {
            started: head.started,
            plan: Arc::clone(plan),
            checkpoint: checkpoint.to_vec(),
            body: there.get(..used).unwrap_or_default().to_vec(),
            records,
            last,
            lost: head.lost,
        };
        let Some(checksum) = checksum else {
            return Ok(Found::Broken(Segment { lost: 0, ..segment }, head.records));
        };
        if crc32(there) != checksum {
            return Err("the checksum of its records is wrong");
        }
        if (records, used) != (head.records, there.len()) {
            return Err("its records do not add up");
        }
        Ok(Found::Whole(segment))
    }

    /// `None` where the file ends before the head is whole.
    fn head(&mut self) -> Result<Option<Head>, &'static str> {
        let Some(bytes) = self.take(36) else { return Ok(None) };
        let Some(checksum) = self.number() else { return Ok(None) };
        if !bytes.starts_with(SEGMENT_MAGIC) || crc32(bytes) != checksum {
            return Err("the checksum of its head is wrong");
        }
        let mut fields =
            Reader { path: self.path, rest: bytes.get(SEGMENT_MAGIC.len()..).unwrap_or_default() };
        let mut read = || -> Option<Head> {
            let started = fields.take(8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)?;
            Some(Head {
                started: Mono::from_nanos(started),
                plan: fields.number()?,
                checkpoint: (fields.number()?, fields.number()?),
                body: fields.number()?,
                records: fields.number()?,
                lost: fields.number()?,
            })
        };
        read().map(Some).ok_or("its head is too short")
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
