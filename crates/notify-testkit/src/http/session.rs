//! One HTTP/1.1 connection: requests in, answers out (RFC 9112).

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::message::{Answer, Request, Response};
use super::{Handler, Seen};
use crate::act::{self, Flow, perform};
use crate::wire::{Stream, Upgrade};

const HEAD_LIMIT: usize = 256 * 1024;
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// Answers the requests of one connection until one side closes it.
pub(super) async fn serve(
    stream: Stream,
    connection: usize,
    identity: Option<Arc<dyn Upgrade>>,
    handler: Handler,
    seen: Arc<Seen>,
) -> io::Result<()> {
    let tls = identity.is_some();
    let stream = match identity {
        Some(identity) => identity.accept(stream).await?,
        None => stream,
    };
    let mut stream = BufReader::new(stream);
    loop {
        let request = match read_request(&mut stream).await? {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(what) => {
                let note = format!("connection {connection}: {what}");
                seen.violations.push(note);
                write(&mut stream, &Response::new(400), "", true).await?;
                break;
            }
        };
        let request = Request {
            connection,
            tls,
            ..request
        };
        // Recorded before the answer: who has the answer finds the record.
        seen.requests.push(request.clone());
        let response = match handler(&request) {
            Answer::Respond(response) => response,
            Answer::RespondAfter(gate, response) => {
                gate.passed().await;
                response
            }
            Answer::Acts(acts) => {
                if perform(&acts, &mut stream).await? == Flow::Over {
                    // An orderly close would soften a reset.
                    return Ok(());
                }
                break;
            }
        };
        let close = has_token(request.header("connection"), "close");
        write(&mut stream, &response, &request.method, close).await?;
        if close {
            break;
        }
    }
    act::close(&mut stream).await;
    Ok(())
}

fn has_token(value: Option<&str>, token: &str) -> bool {
    value.is_some_and(|value| {
        value
            .split(',')
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    })
}

/// A request; none at the end of the connection; a violation in words.
async fn read_request(
    stream: &mut BufReader<Stream>,
) -> io::Result<Result<Option<Request>, String>> {
    let head = match read_head(stream).await? {
        Ok(Some(head)) => head,
        Ok(None) => return Ok(Ok(None)),
        Err(what) => return Ok(Err(what)),
    };
    let mut request = match parse_head(&head) {
        Ok(request) => request,
        Err(what) => return Ok(Err(what)),
    };
    if has_token(request.header("expect"), "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        stream.flush().await?;
    }
    let chunked = has_token(request.header("transfer-encoding"), "chunked");
    let length = match request.header("content-length").map(str::parse::<usize>) {
        Some(_) if chunked => return Ok(Err("both a length and chunks".to_owned())),
        Some(Ok(length)) if length <= BODY_LIMIT => length,
        Some(_) => return Ok(Err("a bad Content-Length".to_owned())),
        None => 0,
    };
    if chunked {
        match read_chunks(stream).await? {
            Ok(body) => request.body = body,
            Err(what) => return Ok(Err(what)),
        }
    } else {
        request.body = vec![0; length];
        stream.read_exact(&mut request.body).await?;
    }
    Ok(Ok(Some(request)))
}

/// The lines of a head, without their ends.
async fn read_head(
    stream: &mut BufReader<Stream>,
) -> io::Result<Result<Option<Vec<String>>, String>> {
    let (mut lines, mut size) = (Vec::new(), 0);
    loop {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).await?;
        size += line.len();
        if line.is_empty() && lines.is_empty() {
            return Ok(Ok(None));
        }
        if size > HEAD_LIMIT {
            return Ok(Err("a head over 256 KiB".to_owned()));
        }
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Ok(Err("a line of the head without CRLF".to_owned()));
        };
        if line.is_empty() {
            return Ok(Ok(Some(lines)));
        }
        lines.push(String::from_utf8_lossy(line).into_owned());
    }
}

fn parse_head(lines: &[String]) -> Result<Request, String> {
    let first = lines.first().ok_or("no request line")?;
    let words: Vec<&str> = first.split(' ').collect();
    let &[method, target, "HTTP/1.1"] = words.as_slice() else {
        return Err(format!("a bad request line `{}`", first.escape_debug()));
    };
    let headers: Result<Vec<_>, String> = lines[1..].iter().map(|line| header(line)).collect();
    let request = Request {
        connection: 0,
        tls: false,
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers?,
        body: Vec::new(),
    };
    // RFC 9112 3.2: exactly one Host.
    let hosts = request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    match hosts.count() {
        1 => Ok(request),
        count => Err(format!("{count} Host headers")),
    }
}

fn header(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(':').ok_or("a header without colon")?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(format!("a bad header name `{}`", name.escape_debug()));
    }
    let value = value.trim_matches([' ', '\t']);
    if value.contains(|c: char| c.is_ascii_control() && c != '\t') {
        return Err(format!("a control character in header `{name}`"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

async fn read_chunks(stream: &mut BufReader<Stream>) -> io::Result<Result<Vec<u8>, String>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let digits = line.trim_end().split(';').next().unwrap_or_default();
        let Ok(size) = usize::from_str_radix(digits, 16) else {
            return Ok(Err("a bad chunk size".to_owned()));
        };
        if body.len() + size > BODY_LIMIT {
            return Ok(Err("a body over 64 MiB".to_owned()));
        }
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..]).await?;
        let mut end = [0; 2];
        stream.read_exact(&mut end).await?;
        if end != *b"\r\n" {
            return Ok(Err("a chunk without CRLF, or a trailer".to_owned()));
        }
        if size == 0 {
            return Ok(Ok(body));
        }
    }
}

async fn write(
    stream: &mut BufReader<Stream>,
    response: &Response,
    method: &str,
    close: bool,
) -> io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {} {}\r\n",
        response.status,
        reason(response.status)
    );
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let bodiless = response.status == 204 || response.status == 304;
    if !bodiless {
        head.push_str(&format!("Content-Length: {}\r\n", response.body.len()));
    }
    if close {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    if !bodiless && method != "HEAD" {
        bytes.extend_from_slice(&response.body);
    }
    stream.write_all(&bytes).await?;
    stream.flush().await
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Scripted",
    }
}
