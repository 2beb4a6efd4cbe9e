//! What is sent to an administrator: a web server and a mail relay that take one message after another.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};

pub(super) struct Inbox {
    pub(super) address: SocketAddr,
    received: Mutex<mpsc::UnboundedReceiver<String>>,
}

impl Inbox {
    pub(super) async fn http() -> Self {
        Self::start(|stream| async move { http(stream).await.ok() }).await
    }

    pub(super) async fn smtp() -> Self {
        Self::start(|stream| async move { smtp(stream).await.ok() }).await
    }

    /// The next message; waits for it.
    pub(super) async fn next(&self) -> String {
        self.received.lock().await.recv().await.unwrap()
    }

    async fn start<R>(take: impl Fn(BufStream<TcpStream>) -> R + Send + 'static) -> Self
    where
        R: Future<Output = Option<String>> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Some(message) = take(BufStream::new(stream)).await {
                    let _ = sender.send(message);
                }
            }
        });
        Self { address, received: Mutex::new(received) }
    }
}

/// A request, answered with 204.
async fn http(mut stream: BufStream<TcpStream>) -> std::io::Result<String> {
    let mut head = String::new();
    let mut length = 0;
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if stream.read_line(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = head[start..].to_ascii_lowercase();
        if let Some(written) = line.strip_prefix("content-length:") {
            length = written.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await?;
    stream.flush().await?;
    Ok(head + &String::from_utf8(body).unwrap())
}

/// A mail, as a relay takes one (RFC 5321).
async fn smtp(mut stream: BufStream<TcpStream>) -> std::io::Result<String> {
    let mut mail = String::new();
    stream.write_all(b"220 relay.test\r\n").await?;
    loop {
        stream.flush().await?;
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return if mail.is_empty() { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(mail) };
        }
        match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                stream.flush().await?;
                while !mail.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut mail).await? == 0 {
                        break;
                    }
                }
                stream.write_all(b"250 taken\r\n").await?;
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                stream.flush().await?;
                return Ok(mail);
            }
            _ => stream.write_all(b"250 relay.test\r\n").await?,
        }
        if !mail.is_empty() {
            stream.flush().await?;
            return Ok(mail);
        }
    }
}
