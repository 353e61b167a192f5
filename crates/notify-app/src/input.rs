//! Files and standard input that a command reads.

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use notify_schema::Secret;

use crate::exit::Stop;

/// The most that is read from one file: 64 MiB.
const MOST: u64 = 64 << 20;

/// A whole file; `-` is standard input.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut content = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(MOST + 1)
            .read_to_end(&mut content)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut content))
    };
    match read {
        Ok(_) if content.len() as u64 > MOST => Err(Stop::usage(format!(
            "{} is larger than 64 MiB",
            shown(path)
        ))),
        Ok(_) => Ok(content),
        Err(error) => Err(Stop::usage(format!("cannot read {}: {error}", shown(path)))),
    }
}

/// The lines of a file as they come, without their ends; `-` is standard input.
///
/// A line is at most 64 MiB long.
pub(crate) fn lines(path: &Path) -> Result<impl Iterator<Item = Result<Vec<u8>, Stop>>, Stop> {
    let cannot = |error| Stop::usage(format!("cannot read {}: {error}", shown(path)));
    let mut source: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(std::fs::File::open(path).map_err(cannot)?))
    };
    let path = path.to_owned();
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match source.by_ref().take(MOST).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) if line.len() as u64 == MOST => Some(Err(Stop::usage(format!(
                "{}: a line of more than 64 MiB",
                shown(&path)
            )))),
            Ok(_) => {
                line.pop_if(|end| *end == b'\n');
                Some(Ok(line))
            }
            Err(error) => Some(Err(Stop::usage(format!(
                "cannot read {}: {error}",
                shown(&path)
            )))),
        }
    }))
}

/// A whole file of UTF-8 text.
pub(crate) fn text(path: &Path) -> Result<String, Stop> {
    String::from_utf8(bytes(path)?).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        Stop::usage(format!("{}:{line}: not UTF-8", shown(path)))
    })
}

/// JSON of any shape.
pub(crate) fn json(path: &Path) -> Result<serde_json::Value, Stop> {
    serde_json::from_slice(&bytes(path)?)
        .map_err(|error| Stop::usage(format!("{}: {error}", shown(path))))
}

/// A secret; the line end of its last line does not belong to it.
pub(crate) fn secret(path: &Path) -> Result<Secret, Stop> {
    let text = text(path)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}

/// The name of a file in messages.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}
