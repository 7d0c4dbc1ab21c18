//! Reads the parts of a body one after another, in memory that does not grow with them.

use std::io::{self, Read};

use memchr::memmem::Finder;

use super::super::fault::Fault;
use super::super::media_type::MediaType;

/// Bytes kept at a time.
const WINDOW: usize = 64 << 10;
/// Longest preamble before the first part, and longest header of a part.
const HEADER: usize = 16 << 10;
/// Most header fields of a part.
const FIELDS: usize = 64;
/// Longest boundary (RFC 2046 section 5.1.1).
const BOUNDARY: usize = 70;
/// Most blanks between a boundary and the end of its line.
const PADDING: usize = 64;

/// The parts of a multipart body.
///
/// Lines may end in a line feed alone; what a part's `Content-Length` says is not believed, its boundary is.
///
/// ```
/// use std::io::Read;
/// use medio::dicomweb::MultipartReader;
///
/// let body = "--x\r\nContent-Type: text/plain\r\n\r\nfirst\r\n--x\r\n\r\nsecond\r\n--x--";
/// let mut parts = MultipartReader::new(body.as_bytes(), "x")?;
/// let mut texts = Vec::new();
/// while let Some(mut part) = parts.next_part()? {
///     let mut text = String::new();
///     part.read_to_string(&mut text)?;
///     texts.push(text);
/// }
/// assert_eq!(texts, ["first", "second"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MultipartReader<R> {
    inner: R,
    ended: bool,
    /// `start..filled` of the buffer is what was read and not yet used.
    buffer: Box<[u8]>,
    start: usize,
    filled: usize,
    /// Where `start` lies in the body, and one more: the body is read as if a line feed stood before it.
    position: u64,
    /// A line feed, two hyphens and the boundary.
    delimiter: Finder<'static>,
    state: State,
    /// Whether lines end in a carriage return and a line feed.
    returns: bool,
    /// Bytes from `start` that are known to be content.
    clear: usize,
    /// Whether `start` is at the line feed that ends the line before the content.
    at_line_end: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    Header,
    Content,
    /// Content up to its end, and a boundary with another part behind it.
    Between,
    Done,
}

/// One part: its header fields, and its content to be read.
#[derive(Debug)]
pub struct Part<'a, R> {
    reader: &'a mut MultipartReader<R>,
    fields: Vec<(String, String)>,
}

/// What stands behind something that looks like a boundary.
enum Tail {
    /// A line end of so many bytes, and whether a carriage return is one of them.
    Line(usize, bool),
    Close,
    /// It is content.
    No,
    /// More has to be read to know.
    Unknown,
}

fn tail(bytes: &[u8]) -> Tail {
    if bytes.starts_with(b"--") {
        return Tail::Close;
    }
    let blanks = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t'));
    let blanks = blanks.count();
    if blanks > PADDING {
        return Tail::No;
    }
    match bytes.get(blanks..).unwrap_or(&[]) {
        [b'\n', ..] => Tail::Line(blanks.saturating_add(1), false),
        [b'\r', b'\n', ..] => Tail::Line(blanks.saturating_add(2), true),
        [] | [b'\r'] => Tail::Unknown,
        [b'-'] if blanks == 0 => Tail::Unknown,
        _ => Tail::No,
    }
}

impl<R: Read> MultipartReader<R> {
    /// The parts that `boundary` separates in what `inner` reads.
    ///
    /// # Errors
    /// Refuses boundaries that are empty, longer than 70 characters, or of other than visible characters and blanks.
    pub fn new(inner: R, boundary: &str) -> Result<Self, Fault> {
        let visible = |b: u8| b.is_ascii_graphic() || b == b' ';
        let blank_at_end = boundary.ends_with(' ');
        if !(1..=BOUNDARY).contains(&boundary.len())
            || !boundary.bytes().all(visible)
            || blank_at_end
        {
            let shown: String = boundary.chars().take(80).collect();
            return Err(Fault::multipart(
                0,
                format!("the boundary must be 1 to 70 visible characters, got {shown:?}"),
            ));
        }
        let mut buffer = vec![0; WINDOW].into_boxed_slice();
        if let Some(first) = buffer.first_mut() {
            *first = b'\n';
        }
        let delimiter = format!("\n--{boundary}");
        Ok(Self {
            inner,
            ended: false,
            buffer,
            start: 0,
            filled: 1,
            position: 0,
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            state: State::Preamble,
            returns: true,
            clear: 0,
            at_line_end: false,
        })
    }

    /// The parts of a body of this media type.
    ///
    /// # Errors
    /// Refuses types that are not multipart, and what [`Self::new`] refuses.
    pub fn of(inner: R, media_type: &MediaType) -> Result<Self, Fault> {
        match media_type.parameter("boundary") {
            Some(boundary) if media_type.is_multipart() => Self::new(inner, boundary),
            _ => Err(Fault::multipart(
                0,
                format!("{} names no boundary", media_type.essence()),
            )),
        }
    }

    /// Goes to the next part, past what was not read of the one before; none if there is no other.
    ///
    /// # Errors
    /// Refuses bodies that end early, headers that are none or too long, and passes on errors of the reader.
    pub fn next_part(&mut self) -> Result<Option<Part<'_, R>>, Fault> {
        match self.state {
            State::Done => return Ok(None),
            State::Preamble => {
                let mut skipped: usize = 0;
                while let Some(n) = self.content("the text before the first part")? {
                    self.advance(n);
                    skipped = skipped.saturating_add(n);
                    if skipped > HEADER {
                        let problem = "no boundary in the first 16 KiB";
                        return Err(Fault::multipart(self.offset(), problem));
                    }
                }
            }
            State::Content => {
                while let Some(n) = self.content("a part")? {
                    self.advance(n);
                }
            }
            State::Header | State::Between => {}
        }
        if self.state == State::Done {
            return Ok(None);
        }
        self.state = State::Header;
        let fields = self.header()?;
        self.state = State::Content;
        Ok(Some(Part {
            reader: self,
            fields,
        }))
    }

    /// What the parts were read from, at its present place: bytes behind the last part may have been read.
    pub(in crate::dicomweb) fn into_inner(self) -> R {
        self.inner
    }

    /// Where the reader stands in the body.
    fn offset(&self) -> u64 {
        self.position.saturating_sub(1)
    }

    fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.filled).unwrap_or(&[])
    }

    fn advance(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.filled);
        self.clear = self.clear.saturating_sub(bytes);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.position = self.position.saturating_add(bytes);
    }

    /// Reads more; false if there is no more.
    fn fill(&mut self) -> Result<bool, Fault> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled = self.filled.saturating_sub(self.start);
            self.start = 0;
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or(&mut []);
        while !self.ended && !room.is_empty() {
            match self.inner.read(room) {
                Ok(0) => self.ended = true,
                Ok(n) => {
                    self.filled = self.filled.saturating_add(n);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// Reads more of `what`, which is not complete.
    fn need(&mut self, what: &'static str) -> Result<(), Fault> {
        if self.fill()? {
            return Ok(());
        }
        let rest = u64::try_from(self.window().len()).unwrap_or(0);
        let offset = self.offset().saturating_add(rest);
        Err(Fault::Truncated { offset, what })
    }

    /// How many bytes from here are content (never none); `None` at a boundary, which is passed.
    fn content(&mut self, what: &'static str) -> Result<Option<usize>, Fault> {
        loop {
            if self.clear > 0 {
                return Ok(Some(self.clear));
            }
            let needle = self.delimiter.needle().len();
            let window = self.window();
            let short = window.len() < needle.saturating_add(1);
            let found = self.delimiter.find(window);
            match found {
                Some(at) => {
                    let before = at.checked_sub(1).and_then(|i| window.get(i));
                    let returned = self.returns && before == Some(&b'\r');
                    let end = if returned { at.saturating_sub(1) } else { at };
                    if end > 0 {
                        match self.at_line_end {
                            true => self.pass_line_end(),
                            false => self.clear = end,
                        }
                        continue;
                    }
                    let after = window.get(at.saturating_add(needle)..).unwrap_or(&[]);
                    match tail(after) {
                        Tail::Close => {
                            self.state = State::Done;
                            return Ok(None);
                        }
                        Tail::Line(length, returns) => {
                            self.returns = returns;
                            let passed = at.saturating_add(needle).saturating_add(length);
                            self.advance(passed);
                            self.at_line_end = false;
                            self.state = State::Between;
                            return Ok(None);
                        }
                        Tail::No if self.at_line_end => self.pass_line_end(),
                        Tail::No => self.clear = at.saturating_add(1),
                        Tail::Unknown => self.need(what)?,
                    }
                }
                None if short => self.need(what)?,
                None if self.at_line_end => self.pass_line_end(),
                // What may be the beginning of a boundary, with a carriage return before it, stays.
                None => self.clear = window.len().saturating_sub(needle),
            }
        }
    }

    fn pass_line_end(&mut self) {
        self.at_line_end = false;
        self.advance(1);
    }

    /// The fields of a part's header, up to the line feed of the empty line behind them.
    fn header(&mut self) -> Result<Vec<(String, String)>, Fault> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut used: usize = 0;
        loop {
            let window = self.window();
            let Some(end) = memchr::memchr(b'\n', window) else {
                if window.len() > HEADER {
                    let problem = "the header of a part is longer than 16 KiB";
                    return Err(Fault::multipart(self.offset(), problem));
                }
                self.need("the header of a part")?;
                continue;
            };
            let line = window.get(..end).unwrap_or(&[]);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                // The line feed may belong to the boundary behind an empty part.
                self.advance(end);
                self.at_line_end = true;
                return Ok(fields);
            }
            let text = String::from_utf8_lossy(line).into_owned();
            let length = end.saturating_add(1);
            used = used.saturating_add(length);
            let bad = |problem: &str| Err(Fault::multipart(self.offset(), problem));
            if used > HEADER {
                return bad("the header of a part is longer than 16 KiB");
            }
            if fields.len() >= FIELDS {
                return bad("the header of a part has more than 64 fields");
            }
            if text.contains(|c: char| c.is_control() && c != '\t') {
                return bad("a control character in the header of a part");
            }
            match (text.starts_with([' ', '\t']), fields.last_mut()) {
                // A field may go on in the next line (RFC 822 section 3.1.1).
                (true, Some((_, value))) => {
                    value.push(' ');
                    value.push_str(text.trim());
                }
                (true, None) => return bad("a part's header begins with a blank"),
                (false, _) => match text.split_once(':') {
                    Some((name, value)) if !name.trim().is_empty() => {
                        fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                    }
                    _ => return bad("a line of a part's header has no name and colon"),
                },
            }
            self.advance(length);
        }
    }
}

impl<R: Read> Part<'_, R> {
    /// A header field, by its name in small letters.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// The part's `Content-Type`, if it names one.
    ///
    /// # Errors
    /// Refuses text that is no media type.
    pub fn media_type(&self) -> Result<Option<MediaType>, Fault> {
        self.field("content-type").map(str::parse).transpose()
    }
}

impl<R: Read> Read for Part<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let reader = &mut *self.reader;
        if reader.state != State::Content || out.is_empty() {
            return Ok(0);
        }
        match reader.content("a part") {
            Ok(Some(clear)) => {
                let take = clear.min(out.len());
                let bytes = reader.window().get(..take).unwrap_or(&[]);
                let take = bytes.len();
                if let Some(room) = out.get_mut(..take) {
                    room.copy_from_slice(bytes);
                }
                reader.advance(take);
                Ok(take)
            }
            Ok(None) => Ok(0),
            Err(fault) => Err(fault.into_io()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most `step` bytes a read.
    struct Slow<'a> {
        bytes: &'a [u8],
        step: usize,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.step.min(out.len()).min(self.bytes.len());
            out[..n].copy_from_slice(&self.bytes[..n]);
            self.bytes = &self.bytes[n..];
            Ok(n)
        }
    }

    type Parts = Vec<(Vec<(String, String)>, Vec<u8>)>;

    fn read_all(body: &[u8], boundary: &str, step: usize) -> Result<Parts, Fault> {
        let mut reader = MultipartReader::new(Slow { bytes: body, step }, boundary)?;
        let mut parts = Vec::new();
        while let Some(mut part) = reader.next_part()? {
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes)?;
            parts.push((part.fields, bytes));
        }
        assert!(reader.next_part()?.is_none());
        Ok(parts)
    }

    fn contents(body: &[u8], boundary: &str) -> Vec<Vec<u8>> {
        let whole = read_all(body, boundary, usize::MAX).unwrap();
        for step in 1..=body.len().min(80) {
            assert_eq!(
                read_all(body, boundary, step).unwrap(),
                whole,
                "{step} bytes a read"
            );
        }
        whole.into_iter().map(|(_, bytes)| bytes).collect()
    }

    #[test]
    fn parts_are_read_whatever_the_chunks() {
        let body =
            b"some preamble\r\n--b\r\nContent-Type: text/plain\r\nX-Long: a\r\n  b\r\n\r\none\r\n\
            --b  \t\r\n\r\n\r\n--b\r\n\r\nt\r\nw\r\n\r\no\r\n--b--\r\nepilogue --b\r\n";
        assert_eq!(contents(body, "b"), [&b"one"[..], b"", b"t\r\nw\r\n\r\no"]);
        let parts = read_all(body, "b", 1).unwrap();
        assert_eq!(
            parts[0].0,
            [
                ("content-type".into(), "text/plain".into()),
                ("x-long".into(), "a b".into())
            ]
        );
    }

    #[test]
    fn lines_may_end_in_line_feeds_alone() {
        let body = b"--b\nA: 1\n\none\r\n--b\n\n\n--b\n\ntwo\n--b--";
        // The carriage return belongs to the content where lines end without.
        assert_eq!(contents(body, "b"), [&b"one\r"[..], b"", b"two"]);
        // Mixed: the boundary's own lines decide.
        let body = b"--b\r\nA: 1\n\none\n--b\r\n\r\ntwo\r\n--b--";
        assert_eq!(contents(body, "b"), [&b"one"[..], b"two"]);
    }

    #[test]
    fn an_empty_part_needs_no_line_of_its_own() {
        assert_eq!(contents(b"--b\r\n\r\n--b--", "b"), [b""]);
        assert_eq!(
            contents(b"--b\r\nA: 1\r\n\r\n--b\r\n\r\n\r\n--b--", "b"),
            [b"", b""]
        );
        assert!(contents(b"--b--", "b").is_empty());
        assert!(contents(b"\r\n--b--\r\n", "b").is_empty());
    }

    #[test]
    fn what_only_looks_like_a_boundary_is_content() {
        for content in [
            &b"\r\n--"[..],
            b"\r\n--B",
            b"\r\n--bb\r\n",
            b"--b\r\n",
            b"--b--",
            b"x--b\r\n",
            b"\r--b\r\n",
            b"\n\r--b",
            b"\r\n--b-x",
            b"\r\r\r\n",
            b"\n\n\n",
            b"\r\n-",
            b"\r\n--b  x\r\n",
        ] {
            let starts_as_boundary = content.starts_with(b"--b");
            let prefix: &[u8] = if starts_as_boundary { b"." } else { b"" };
            let content = [prefix, content].concat();
            let body = [b"--b\r\n\r\n", &content[..], b"\r\n--b--"].concat();
            let got = contents(&body, "b");
            assert_eq!(got.len(), 1, "{}", content.escape_ascii());
            assert_eq!(got[0], content, "{}", content.escape_ascii());
        }
    }

    #[test]
    fn content_longer_than_the_window_comes_whole() {
        // Line breaks and beginnings of the boundary everywhere, across the window's edges too.
        let content: Vec<u8> = { b"\r\n--boundar\r\n\r".iter().cycle() }
            .take(3 * WINDOW + 5)
            .copied()
            .collect();
        let body = [b"--boundary\r\n\r\n", &content[..], b"\r\n--boundary--"].concat();
        for step in [1000, 4096, WINDOW - 1, WINDOW, usize::MAX] {
            let parts = read_all(&body, "boundary", step).unwrap();
            assert_eq!(parts.len(), 1);
            assert!(parts[0].1 == content, "{step} bytes a read");
        }
    }

    #[test]
    fn a_part_that_is_not_read_is_passed_over() {
        let body = b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--";
        let mut reader = MultipartReader::new(&body[..], "b").unwrap();
        let mut first = reader.next_part().unwrap().unwrap();
        assert_eq!(first.read(&mut [0; 1]).unwrap(), 1);
        let mut second = reader.next_part().unwrap().unwrap();
        let mut text = String::new();
        second.read_to_string(&mut text).unwrap();
        assert_eq!(text, "two");
    }

    #[test]
    fn every_truncation_is_noticed() {
        let body = b"pre\r\n--b\r\nA: 1\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--";
        for end in 0..body.len() {
            let got = read_all(&body[..end], "b", 7);
            assert!(
                matches!(got, Err(Fault::Truncated { .. })),
                "{end}: {got:?}"
            );
        }
    }

    #[test]
    fn headers_are_bounded_and_named() {
        let long = format!("--b\r\nA: {}\r\n\r\n\r\n--b--", "x".repeat(WINDOW * 2));
        let many = format!("--b\r\n{}\r\n\r\n--b--", "A: b\r\n".repeat(FIELDS + 1));
        let lines = format!("--b\r\n{}\r\n\r\n--b--", "A: b\r\n ".repeat(20_000));
        for body in [
            &long[..],
            &many,
            &lines,
            "--b\r\nno colon\r\n\r\n--b--",
            "--b\r\n: no name\r\n\r\n--b--",
            "--b\r\n folded\r\n\r\n--b--",
            "--b\r\nA: \x07\r\n\r\n--b--",
            &"preamble".repeat(WINDOW),
        ] {
            let got = read_all(body.as_bytes(), "b", 999);
            assert!(
                matches!(got, Err(Fault::Multipart { .. })),
                "{:.40}: {got:?}",
                body
            );
        }
        for boundary in ["", "b ", "b\r\n", &"b".repeat(71), "é"] {
            assert!(MultipartReader::new(&b""[..], boundary).is_err());
        }
    }

    #[test]
    fn damaged_bodies_end_in_parts_or_errors() {
        let body =
            b"p\r\n--b\r\nContent-Type: a/b\r\n\r\none\r\n--b\r\n\r\n\r\n--b\r\n\r\ntwo\r\n--b--";
        let mut random = medcore::random::Key::new(1).stream("multipart");
        for round in 0..20_000 {
            let mut damaged = body.to_vec();
            for _ in 0..1 + random.below(4) {
                let at = random.below(damaged.len());
                match random.below(3) {
                    0 => damaged[at] = b"\r\n-b: \0"[random.below(7)],
                    1 => drop(damaged.remove(at)),
                    _ => damaged.insert(at, b"\r\n-b"[random.below(4)]),
                }
            }
            let whole = read_all(&damaged, "b", usize::MAX).map_err(|e| e.to_string());
            let slow = read_all(&damaged, "b", 1 + random.below(9)).map_err(|e| e.to_string());
            assert_eq!(whole, slow, "{round}: {}", damaged.escape_ascii());
        }
    }
}
