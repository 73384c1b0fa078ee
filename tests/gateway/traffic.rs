//! What the gateway stands between under load: an upstream that can die, and clients that keep their connections.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::process::PATIENCE;

/// The length of what the upstream streams at `/stream`, in bytes.
pub(crate) const STREAM: usize = 4 << 20;

/// An upstream that answers `/stream` with a long body in chunks and everything else with `ok`. Dropped, it is dead: its
/// port is closed, and so are its connections.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    stopped: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    acceptor: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Starts at `address`; with port 0 the system picks one.
    pub(crate) fn start(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (stopped, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (is_stopped, open) = (Arc::clone(&stopped), Arc::clone(&connections));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_stopped.load(Ordering::SeqCst) {
                    break;
                }
                open.lock().unwrap().push(stream.try_clone().unwrap());
                thread::spawn(move || while serve(&stream).is_ok_and(|goes_on| goes_on) {});
            }
        });
        Self { address, stopped, connections, acceptor: Some(acceptor) }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which sees that it is over.
        let _ = TcpStream::connect(self.address);
        let _ = self.acceptor.take().map(JoinHandle::join);
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// Answers one request; false at the end of the connection.
fn serve(stream: &TcpStream) -> io::Result<bool> {
    // A byte at a time is slow, and leaves a body or a second request where it is.
    let mut head = Vec::new();
    let mut reader = stream;
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if reader.read(&mut byte)? == 0 {
            return Ok(false);
        }
        head.extend(byte);
    }
    let mut writer = stream;
    if head.windows(8).any(|bytes| bytes == b" /stream") {
        writer.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        const CHUNK: usize = 64 << 10;
        let chunk = [format!("{CHUNK:x}\r\n").as_bytes(), &[b'x'; CHUNK], b"\r\n"].concat();
        for _ in 0..STREAM / CHUNK {
            writer.write_all(&chunk)?;
        }
        writer.write_all(b"0\r\n\r\n")?;
    } else {
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
    }
    Ok(true)
}

/// A client's connection, kept for many requests.
pub(crate) struct Connection(BufReader<TcpStream>);

/// What a response was, without its body.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// The length of the body, in bytes.
    pub(crate) body: usize,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE * 2))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request without a body, and reads the response to its end.
    pub(crate) fn exchange(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Head> {
        self.send(method, path, headers)?;
        let mut head = self.read_head()?;
        head.body = match head.header("content-length") {
            Some(length) => self.skip(length.parse().map_err(io::Error::other)?)?,
            None => self.skip_chunks()?,
        };
        Ok(head)
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<()> {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.0.get_mut().write_all(format!("{method} {path} HTTP/1.1\r\n{lines}\r\n").as_bytes())
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads what there is to the end of the connection.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut answer = Vec::new();
        // A connection that is reset has an end as well.
        let _ = self.0.read_to_end(&mut answer);
        answer
    }

    /// Reads and drops this many bytes.
    pub(crate) fn skip(&mut self, length: usize) -> io::Result<usize> {
        let skipped = io::copy(&mut self.0.by_ref().take(length as u64), &mut io::sink())?;
        if skipped == length as u64 { Ok(length) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn read_head(&mut self) -> io::Result<Head> {
        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Head { status, headers, body: 0 })
    }

    fn skip_chunks(&mut self) -> io::Result<usize> {
        let mut whole = 0;
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
            whole += self.skip(length)?;
            self.line()?;
            if length == 0 {
                return Ok(whole);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
