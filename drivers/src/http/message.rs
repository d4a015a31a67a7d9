//! HTTP/1.1 as bytes: requests that a poller writes, responses that it reads. Opens nothing.
//!
//! Source: RFC 9112. What is not needed for asking devices is refused as damaged rather than guessed: both a length and
//! chunks, two lengths, other encodings than chunks. The head is taken apart by the crate httparse.

use crate::limits::{ANSWER_MAX, HEAD_MAX};
use std::borrow::Cow;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// `GET`, `POST`, `PUT`.
    pub method: &'a str,
    /// Name or address of the device, with its port where it is not 80.
    pub host: &'a str,
    /// Path with what is asked: `/rpc/Switch.Set?id=0&on=true`.
    pub path: &'a str,
    /// Further header lines: name and value.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is sent, with its type (`application/json`).
    pub body: Option<(&'a str, &'a [u8])>,
}

impl Request<'_> {
    /// Writes it. `false`, and nothing is written, where a part has a line break, a blank or a control character that would
    /// make another request of it.
    pub fn write(&self, out: &mut Vec<u8>) -> bool {
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_value = |text: &str| !text.bytes().any(|byte| byte.is_ascii_control());
        let kind = self.body.map_or("", |(kind, _)| kind);
        let is_clean = [self.method, self.host, self.path].into_iter().all(is_token)
            && self.headers.iter().all(|(name, value)| is_token(name) && is_value(value))
            && is_value(kind);
        if !is_clean {
            return false;
        }
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, self.host);
        for (name, value) in self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some((kind, body)) = self.body {
            head.push_str(&format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(self.body.map_or(&[][..], |(_, body)| body));
        true
    }
}

/// What came so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// More must come.
    Unfinished,
    /// A whole response.
    Whole {
        /// 200 and the like.
        status: u16,
        /// Its header lines.
        headers: Headers<'a>,
        /// What was sent.
        body: Cow<'a, [u8]>,
        /// How many bytes all of it is.
        used: usize,
    },
    /// This is no response.
    Damaged,
}

/// The header lines of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    lines: Vec<(&'a str, &'a str)>,
    is_old: bool,
}

impl<'a> Headers<'a> {
    /// Every value of a name, in order. A value that is no text is left out.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = |(known, value): &(&'a str, &'a str)| known.eq_ignore_ascii_case(name).then_some(*value);
        self.lines.iter().filter_map(named).collect::<Vec<_>>().into_iter()
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Whether the connection ends with this response.
    pub fn is_last(&self) -> bool {
        let says = |word: &str| {
            let mut words = self.all("Connection").flat_map(|line| line.split(','));
            words.any(|one| one.trim().eq_ignore_ascii_case(word))
        };
        says("close") || (self.is_old && !says("keep-alive"))
    }
}

/// Reads a response. `is_end`: the other side has closed, and no more will come.
pub fn read(bytes: &[u8], is_end: bool) -> Response<'_> {
    let mut start = 0;
    loop {
        let rest = bytes.get(start..).unwrap_or_default();
        match one(rest, is_end) {
            // "Go on, send the rest": the response proper follows.
            Response::Whole { status: 100..=199, used, .. } => start += used,
            Response::Whole { status, headers, body, used } => {
                return Response::Whole { status, headers, body, used: start + used };
            }
            other => return other,
        }
    }
}

/// How the end of a body is known.
enum Length {
    Bytes(usize),
    Chunks,
    UntilClosed,
}

/// Header lines of a response; one with more is damaged.
const HEADERS_MAX: usize = 64;

fn one(bytes: &[u8], is_end: bool) -> Response<'_> {
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut lines);
    let start = match head.parse(bytes) {
        Ok(httparse::Status::Complete(start)) if start <= HEAD_MAX => start,
        Ok(httparse::Status::Partial) if !is_end && bytes.len() <= HEAD_MAX => return Response::Unfinished,
        _ => return Response::Damaged,
    };
    let Some((status, length)) = read_head(&head) else { return Response::Damaged };
    let lines = head.headers.iter();
    let headers = lines.filter_map(|line| Some((line.name, std::str::from_utf8(line.value).ok()?.trim())));
    let headers = Headers { lines: headers.collect(), is_old: head.version == Some(0) };
    let body = bytes.get(start..).unwrap_or_default();
    let whole = |body, used| Response::Whole { status, headers, body, used: start + used };
    match length {
        Length::Bytes(count) if count > ANSWER_MAX => Response::Damaged,
        Length::Bytes(count) => match body.get(..count) {
            Some(body) => whole(Cow::Borrowed(body), count),
            None if is_end => Response::Damaged,
            None => Response::Unfinished,
        },
        Length::Chunks => match unchunk(body) {
            Some(Some((body, used))) => whole(Cow::Owned(body), used),
            Some(None) if !is_end => Response::Unfinished,
            _ => Response::Damaged,
        },
        Length::UntilClosed if is_end => whole(Cow::Borrowed(body), body.len()),
        Length::UntilClosed => Response::Unfinished,
    }
}

/// Status, and how the end of the body is known.
fn read_head(head: &httparse::Response<'_, '_>) -> Option<(u16, Length)> {
    let status = head.code.filter(|code| (100..600).contains(code))?;
    let (mut length, mut is_chunked) = (None, false);
    for line in head.headers.iter() {
        if line.name.eq_ignore_ascii_case("content-length") {
            let value = std::str::from_utf8(line.value).ok()?.trim();
            let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let count = is_number.then(|| value.parse::<usize>().ok())??;
            if length.replace(count).is_some_and(|before| before != count) {
                return None;
            }
        } else if line.name.eq_ignore_ascii_case("transfer-encoding") {
            if is_chunked || !line.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            is_chunked = true;
        }
    }
    let length = match (length, is_chunked) {
        (Some(_), true) => return None,
        _ if status < 200 || status == 204 || status == 304 => Length::Bytes(0),
        (None, true) => Length::Chunks,
        (Some(count), false) => Length::Bytes(count),
        (None, false) => Length::UntilClosed,
    };
    Some((status, length))
}

/// A chunked body and how many bytes it was; `Some(None)` where it is not whole, `None` where it is damaged.
fn unchunk(bytes: &[u8]) -> Option<Option<(Vec<u8>, usize)>> {
    let (mut body, mut place) = (Vec::new(), 0);
    loop {
        let rest = bytes.get(place..).unwrap_or_default();
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            // A line of a chunk's size is short.
            return (rest.len() <= HEAD_MAX).then_some(None);
        };
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        let size = line.split(';').next().unwrap_or(line).trim();
        let is_hexadecimal = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = is_hexadecimal.then(|| usize::from_str_radix(size, 16).ok())??;
        place += end + 2;
        if size == 0 {
            return trailer(bytes, place).map(|end| end.map(|end| (body, end)));
        }
        if size > ANSWER_MAX {
            return None;
        }
        let Some(chunk) = bytes.get(place..place + size + 2) else { return Some(None) };
        let (chunk, line_end) = chunk.split_at_checked(size)?;
        if line_end != b"\r\n" {
            return None;
        }
        body.extend_from_slice(chunk);
        place += size + 2;
    }
}

/// Where the lines behind the last chunk end.
fn trailer(bytes: &[u8], mut place: usize) -> Option<Option<usize>> {
    loop {
        let rest = bytes.get(place..).unwrap_or_default();
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            return (rest.len() <= HEAD_MAX).then_some(None);
        };
        place += end + 2;
        if end == 0 {
            return Some(Some(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads without looking at the header lines.
    fn read(bytes: &[u8], is_end: bool) -> Response<'_> {
        match super::read(bytes, is_end) {
            Response::Whole { status, body, used, .. } => {
                Response::Whole { status, headers: Headers::default(), body, used }
            }
            other => other,
        }
    }

    fn whole(status: u16, body: &[u8], used: usize) -> Response<'static> {
        let body = Cow::Owned(body.to_vec());
        Response::Whole { status, headers: Headers::default(), body, used }
    }

    #[test]
    fn responses_are_whole_at_their_last_byte_and_not_before() {
        let texts: [(&[u8], u16, &[u8]); 5] = [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\"}", 200, b"{\"a\"}"),
            (b"HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", 404, b""),
            (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", 204, b""),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
                200,
                b"abc0123456789",
            ),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n7", 200, b"7"),
        ];
        for (text, status, body) in texts {
            for cut in 0..text.len() {
                assert_eq!(read(&text[..cut], false), Response::Unfinished, "{cut} of {text:?}");
                assert_eq!(read(&text[..cut], true), Response::Damaged, "{cut} of {text:?}");
            }
            assert_eq!(read(text, false), whole(status, body, text.len()));
            // What comes behind it is not part of it.
            assert_eq!(read(&[text, b"HTTP/1.1 200"].concat(), false), whole(status, body, text.len()));
        }
    }

    #[test]
    fn header_lines_are_found_by_their_name() {
        let text = b"HTTP/1.1 401 Unauthorized\r\nA: \xff\r\nWWW-Authenticate: Basic \r\nwww-authenticate:Digest x=\"y\"\r\nContent-Length: 0\r\n\r\n";
        let Response::Whole { headers, .. } = super::read(text, false) else { panic!() };
        let found: Vec<&str> = headers.all("Www-Authenticate").collect();
        assert_eq!(found, ["Basic", "Digest x=\"y\""]);
        assert_eq!((headers.get("a"), headers.get("content-length")), (None, Some("0")));
    }

    #[test]
    fn which_response_is_the_last_one_of_its_connection() {
        for (head, expected) in [
            ("HTTP/1.1 204 x\r\n", false),
            ("HTTP/1.1 204 x\r\nConnection: x, Close\r\n", true),
            ("HTTP/1.0 204 x\r\n", true),
            ("HTTP/1.0 204 x\r\nConnection: Keep-Alive\r\n", false),
        ] {
            let text = format!("{head}\r\n");
            let Response::Whole { headers, .. } = super::read(text.as_bytes(), false) else { panic!() };
            assert_eq!(headers.is_last(), expected, "{head}");
        }
    }

    #[test]
    fn without_a_length_the_end_of_the_connection_is_the_end() {
        let text = b"HTTP/1.0 200 OK\r\n\r\n21.5";
        assert_eq!(read(text, false), Response::Unfinished);
        assert_eq!(read(text, true), whole(200, b"21.5", text.len()));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_damaged() {
        for text in [
            &b"SSH-2.0-x"[..],
            b"HTTP/2 200\r\n\r\n",
            b"HTTP/1.1 20 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nabcde",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
        ] {
            assert_eq!(read(text, false), Response::Damaged, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_request_is_one_request() {
        let mut out = Vec::new();
        let body = Some(("application/json", &b"{}"[..]));
        let post = Request { method: "POST", host: "plug", path: "/rpc", headers: &[("X-A", "b c")], body };
        assert!(post.write(&mut out));
        let text = "POST /rpc HTTP/1.1\r\nHost: plug\r\nX-A: b c\r\nContent-Type: application/json\r\n\
                    Content-Length: 2\r\n\r\n{}";
        assert_eq!(out, text.as_bytes());
        for path in ["", "/a b", "/a\r\nX: y", "/\u{7f}"] {
            assert!(!Request { path, ..post }.write(&mut out), "{path:?}");
        }
        assert!(!Request { headers: &[("A", "b\r\nC: d")], ..post }.write(&mut out));
        assert_eq!(out.len(), text.len(), "nothing was written");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_taken(
            head in "(HTTP/1\\.1 200 OK\r\n(Content-Length: [0-9]{0,6}\r\n|Transfer-Encoding: chunked\r\n)?\r\n)?",
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            is_end: bool,
        ) {
            let all = [head.as_bytes(), &bytes].concat();
            if let Response::Whole { used, .. } = read(&all, is_end) {
                prop_assert!(used <= all.len());
            }
        }
    }
}
