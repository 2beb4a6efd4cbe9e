//! An LDAP server that does wrong on purpose: what a real slapd cannot be made to do.
//!
//! It knows one entry, [`ENTRY`], accepts the service account [`SERVICE`], and keeps a list of the user binds that
//! reached it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindResponse, LdapMsg, LdapOp, LdapPartialAttribute, LdapResult, LdapResultCode,
    LdapSearchResultEntry,
};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::codec::Framed;

pub(crate) const ENTRY: &str = "uid=tanaka,dc=fake";
pub(crate) const SERVICE: &str = "cn=service,dc=fake";

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// A bind succeeds whatever the password is; a search finds [`ENTRY`].
    Well,
    /// No answer at all.
    Hang,
    /// The connection is closed instead of an answer.
    Close,
    /// Half of the answer, then the connection is closed.
    CloseInTheMiddle,
    /// Octets that are no LDAP.
    Garbage,
    /// A well-formed message with a body that makes no sense.
    Malformed,
    /// A search: two entries. A bind: as [`Conduct::Well`].
    TwoEntries,
    /// A search: one entry and sizeLimitExceeded. A bind: as [`Conduct::Well`].
    SizeLimit,
    /// A search: an entry without a stable identity. A bind: as [`Conduct::Well`].
    NoIdentity,
    /// A bind is refused with this text; a search finds [`ENTRY`].
    Refuse(&'static str),
}

pub(crate) struct FakeLdap {
    port: u16,
    binds: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl FakeLdap {
    /// Listens on a free port; user binds and searches go as told.
    pub(crate) async fn start(bind: Conduct, search: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let binds = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&binds);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, bind, search, Arc::clone(&seen)));
            }
        });
        Self { port, binds, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// The names of all user binds so far.
    pub(crate) fn binds(&self) -> Vec<String> {
        self.binds.lock().unwrap().clone()
    }
}

impl Drop for FakeLdap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, bind: Conduct, search: Conduct, binds: Arc<Mutex<Vec<String>>>) {
    let mut framed = Framed::new(stream, LdapCodec::new(Some(1 << 20), None));
    while let Some(Ok(message)) = framed.next().await {
        let (conduct, answers) = match message.op {
            LdapOp::BindRequest(request) => {
                let conduct = if request.dn == SERVICE { Conduct::Well } else { bind };
                if request.dn != SERVICE {
                    assert!(matches!(request.cred, LdapBindCred::Simple(_)));
                    binds.lock().unwrap().push(request.dn);
                }
                (conduct, vec![bind_answer(conduct)])
            }
            // The root DSE always answers: it is how a server shows that it is alive.
            LdapOp::SearchRequest(request) if request.base.is_empty() => {
                (Conduct::Well, vec![done(LdapResultCode::Success)])
            }
            LdapOp::SearchRequest(_) => (search, search_answers(search)),
            _ => return,
        };
        match conduct {
            Conduct::Hang => tokio::time::sleep(Duration::from_secs(600)).await,
            Conduct::Close => return,
            Conduct::CloseInTheMiddle => return raw(framed, &[0x30, 0x20, 0x02, 0x01, 0x01, 0x61]).await,
            Conduct::Garbage => return raw(framed, b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
            // LDAPMessage { 1, [APPLICATION 1 or 5] of one empty octet string }
            Conduct::Malformed => {
                return raw(framed, &[0x30, 0x07, 0x02, 0x01, 0x01, 0x61, 0x02, 0x04, 0x00]).await;
            }
            _ => {}
        }
        for op in answers {
            if framed.send(LdapMsg::new(message.msgid, op)).await.is_err() {
                return;
            }
        }
    }
}

async fn raw(framed: Framed<TcpStream, LdapCodec>, octets: &[u8]) {
    let mut stream = framed.into_inner();
    let _ = stream.write_all(octets).await;
    let _ = stream.shutdown().await;
}

fn bind_answer(conduct: Conduct) -> LdapOp {
    let (code, message) = match conduct {
        Conduct::Refuse(text) => (LdapResultCode::InvalidCredentials, text),
        _ => (LdapResultCode::Success, ""),
    };
    LdapOp::BindResponse(LdapBindResponse { res: result(code, message), saslcreds: None })
}

fn search_answers(conduct: Conduct) -> Vec<LdapOp> {
    let one = |dn: &str, identity: &[(&str, &str)]| {
        let attributes =
            [("uid", "tanaka"), ("cn", "田中 太郎")].iter().chain(identity).map(|(name, value)| {
                LdapPartialAttribute { atype: (*name).to_owned(), vals: vec![value.as_bytes().to_vec()] }
            });
        LdapOp::SearchResultEntry(LdapSearchResultEntry {
            dn: dn.to_owned(),
            attributes: attributes.collect(),
        })
    };
    let uuid = [("entryUUID", "8a1c4e0e-0000-4000-8000-000000000001")];
    match conduct {
        Conduct::TwoEntries => {
            vec![one(ENTRY, &uuid), one("uid=other,dc=fake", &uuid), done(LdapResultCode::Success)]
        }
        Conduct::SizeLimit => vec![one(ENTRY, &uuid), done(LdapResultCode::SizeLimitExceeded)],
        Conduct::NoIdentity => vec![one(ENTRY, &[]), done(LdapResultCode::Success)],
        _ => vec![one(ENTRY, &uuid), done(LdapResultCode::Success)],
    }
}

fn done(code: LdapResultCode) -> LdapOp {
    LdapOp::SearchResultDone(result(code, ""))
}

fn result(code: LdapResultCode, message: &str) -> LdapResult {
    LdapResult { code, matcheddn: String::new(), message: message.to_owned(), referral: Vec::new() }
}
