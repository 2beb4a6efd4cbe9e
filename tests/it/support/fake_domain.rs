//! Domain controllers of Active Directory in memory: DirSync with all that can go wrong with it, and forests of several
//! domains. What a directory does well is tested with Samba.
//!
//! Values are text, so an objectGUID is sixteen letters.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::{SinkExt, StreamExt};
use ldap3_proto::LdapCodec;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapBindResponse, LdapFilter, LdapMsg, LdapOp, LdapPartialAttribute, LdapResult, LdapResultCode,
    LdapSearchRequest, LdapSearchResultEntry, LdapSearchScope,
};
use sekisho::clock::{Clock, SystemClock};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::codec::Framed;

/// What is wrong with DirSync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Wrong {
    #[default]
    Nothing,
    /// This result, whatever is asked.
    Always(LdapResultCode),
    /// This result, for any cookie that is brought.
    Cookie(LdapResultCode),
    /// The end without the control.
    NoControl,
    /// An empty cookie.
    NoCookie,
    /// There is more, and it is never given.
    Circle,
    /// The same objects again and again, each time with another cookie.
    Endless,
    /// An object without its objectGUID.
    Nameless,
}

/// An object: its DN and its attributes.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) dn: String,
    pub(crate) attributes: Vec<(String, Vec<String>)>,
    /// When it was touched last.
    touched: usize,
    /// When it was made.
    made: usize,
}

impl Object {
    fn values(&self, name: &str) -> &[String] {
        let found = self.attributes.iter().find(|(held, _)| held.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values)
    }

    fn is_deleted(&self) -> bool {
        self.values("isDeleted") == ["TRUE"]
    }

    /// Puts these values in the place of others; none: the attribute is not there any more.
    pub(crate) fn set(&mut self, name: &str, values: &[&str]) {
        self.attributes.retain(|(held, _)| !held.eq_ignore_ascii_case(name));
        if !values.is_empty() {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            self.attributes.push((name.to_owned(), values));
        }
    }
}

/// What domain controllers know.
#[derive(Debug, Default)]
pub(crate) struct Domain {
    context: String,
    objects: Vec<Object>,
    touched: usize,
    pub(crate) wrong: Wrong,
    /// So many objects are in one answer of DirSync.
    pub(crate) at_once: usize,
    /// What DirSync was asked: how long the cookie was, and the filter.
    pub(crate) asked: Vec<(usize, String)>,
    /// More of the root DSE.
    pub(crate) root: Vec<(String, String)>,
}

impl Domain {
    /// A naming context with nothing in it.
    pub(crate) fn new(context: &str, guid: &str) -> Arc<Mutex<Self>> {
        let mut domain = Self { context: context.to_owned(), at_once: 1000, ..Self::default() };
        domain.add(context, &[("objectClass", &["domainDNS"]), ("objectGUID", &[guid])]);
        Arc::new(Mutex::new(domain))
    }

    pub(crate) fn add(&mut self, dn: &str, attributes: &[(&str, &[&str])]) {
        self.touched += 1;
        let (touched, made) = (self.touched, self.touched);
        let mut object = Object { dn: dn.to_owned(), attributes: Vec::new(), touched, made };
        object.set("whenCreated", &[&SystemClock.now().strftime("%Y%m%d%H%M%S.0Z").to_string()]);
        for (name, values) in attributes {
            object.set(name, values);
        }
        self.objects.push(object);
    }

    /// Changes the object with this DN.
    pub(crate) fn edit(&mut self, dn: &str, edit: impl FnOnce(&mut Object)) {
        self.touched += 1;
        let touched = self.touched;
        let object = self.objects.iter_mut().find(|object| object.dn == dn).unwrap();
        edit(object);
        object.touched = touched;
    }

    pub(crate) fn delete(&mut self, dn: &str) {
        self.edit(dn, |object| {
            let guid = object.values("objectGUID").to_vec();
            object.dn = format!("CN={},CN=Deleted Objects", guid[0]);
            object.attributes = vec![("objectGUID".to_owned(), guid)];
            object.set("isDeleted", &["TRUE"]);
        });
    }

    fn answer(&mut self, message: LdapMsg, service: &str) -> Vec<LdapMsg> {
        let id = message.msgid;
        let request = match message.op {
            LdapOp::BindRequest(_) => {
                let res = result(LdapResultCode::Success);
                return vec![LdapMsg::new(
                    id,
                    LdapOp::BindResponse(LdapBindResponse { res, saslcreds: None }),
                )];
            }
            LdapOp::SearchRequest(request) => request,
            _ => return Vec::new(),
        };
        if request.base.is_empty() && request.scope == LdapSearchScope::Base {
            return vec![LdapMsg::new(id, self.root(service)), end(id, LdapResultCode::Success, None)];
        }
        let cookie = message.ctrl.into_iter().find_map(|control| match control {
            LdapControl::AdDirsync { cookie, .. } => Some(cookie.unwrap_or_default()),
            _ => None,
        });
        match cookie {
            Some(cookie) => self.dirsync(id, &request, &cookie),
            None => self.search(id, &request),
        }
    }

    fn root(&self, service: &str) -> LdapOp {
        let mut attributes = vec![
            attribute("supportedCapabilities", &["1.2.840.113556.1.4.800".to_owned()]),
            attribute("namingContexts", std::slice::from_ref(&self.context)),
            attribute("highestCommittedUSN", &[self.touched.to_string()]),
            attribute("dsServiceName", &[service.to_owned()]),
        ];
        attributes.extend(self.root.iter().map(|(name, value)| attribute(name, std::slice::from_ref(value))));
        LdapOp::SearchResultEntry(LdapSearchResultEntry { dn: String::new(), attributes })
    }

    fn search(&self, id: i32, request: &LdapSearchRequest) -> Vec<LdapMsg> {
        let is_there = |object: &&Object| {
            is_within(&object.dn, &request.base)
                && (request.scope != LdapSearchScope::Base || object.dn.eq_ignore_ascii_case(&request.base))
                && !object.is_deleted()
                && matches(object, &request.filter)
        };
        let found = self.objects.iter().filter(is_there).map(|object| told(id, object, &request.attrs));
        found.chain([end(id, LdapResultCode::Success, None)]).collect()
    }

    fn dirsync(&mut self, id: i32, request: &LdapSearchRequest, cookie: &[u8]) -> Vec<LdapMsg> {
        self.asked.push((cookie.len(), format!("{:?}", request.filter)));
        let from: usize =
            std::str::from_utf8(cookie).unwrap().trim_start_matches("MSDS").parse().unwrap_or(0);
        let control = |more: bool, to: usize| LdapControl::AdDirsync {
            flags: more.into(),
            max_bytes: 0,
            cookie: (self.wrong != Wrong::NoCookie).then(|| format!("MSDS{to}").into_bytes()),
        };
        match &self.wrong {
            Wrong::Always(code) => return vec![end(id, code.clone(), None)],
            Wrong::Cookie(code) if !cookie.is_empty() => return vec![end(id, code.clone(), None)],
            _ if !request.base.eq_ignore_ascii_case(&self.context) => {
                return vec![end(id, LdapResultCode::InsufficentAccessRights, None)];
            }
            Wrong::NoControl => return vec![end(id, LdapResultCode::Success, None)],
            Wrong::Circle => return vec![end(id, LdapResultCode::Success, Some(control(true, from)))],
            _ => {}
        }
        if self.wrong == Wrong::Endless {
            let again = self.objects.iter().cycle().take(5000).map(|object| {
                let names = ["objectGUID", "whenCreated"].map(str::to_owned);
                told(id, object, &names)
            });
            return again.chain([end(id, LdapResultCode::Success, Some(control(true, from + 1)))]).collect();
        }
        let mut news: Vec<&Object> = self.objects.iter().filter(|object| object.touched > from).collect();
        news.sort_by_key(|object| object.touched);
        let more = news.len() > self.at_once;
        news.truncate(self.at_once);
        let to = if more { news.last().map_or(from, |object| object.touched) } else { self.touched };
        let names = |object: &Object| {
            let mut names = vec!["objectGUID".to_owned(), "isDeleted".to_owned()];
            names.extend((object.made > from).then(|| "whenCreated".to_owned()));
            names.retain(|_| self.wrong != Wrong::Nameless);
            names
        };
        let found = news.into_iter().filter(|object| matches(object, &request.filter));
        let found = found.map(|object| told(id, object, &names(object)));
        found.chain([end(id, LdapResultCode::Success, Some(control(more, to)))]).collect()
    }
}

fn told(id: i32, object: &Object, names: &[String]) -> LdapMsg {
    let all = names.iter().any(|name| name == "*");
    let asked = |held: &String| all || names.iter().any(|name| name.eq_ignore_ascii_case(held));
    let attributes = object.attributes.iter().filter(|(held, _)| asked(held));
    let attributes = attributes.map(|(name, values)| attribute(name, values)).collect();
    LdapMsg::new(id, LdapOp::SearchResultEntry(LdapSearchResultEntry { dn: object.dn.clone(), attributes }))
}

fn attribute(name: &str, values: &[String]) -> LdapPartialAttribute {
    let vals = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    LdapPartialAttribute { atype: name.to_owned(), vals }
}

fn end(id: i32, code: LdapResultCode, control: Option<LdapControl>) -> LdapMsg {
    let mut end = LdapMsg::new(id, LdapOp::SearchResultDone(result(code)));
    end.ctrl = control.into_iter().collect();
    end
}

fn result(code: LdapResultCode) -> LdapResult {
    LdapResult { code, matcheddn: String::new(), message: String::new(), referral: Vec::new() }
}

fn is_within(dn: &str, base: &str) -> bool {
    let (dn, base) = (dn.to_lowercase(), base.to_lowercase());
    base.is_empty() || dn == base || dn.ends_with(&format!(",{base}"))
}

fn matches(object: &Object, filter: &LdapFilter) -> bool {
    match filter {
        LdapFilter::And(parts) => parts.iter().all(|part| matches(object, part)),
        LdapFilter::Or(parts) => parts.iter().any(|part| matches(object, part)),
        LdapFilter::Not(part) => !matches(object, part),
        LdapFilter::Equality(name, value) => {
            object.values(name).iter().any(|held| held.eq_ignore_ascii_case(value))
        }
        LdapFilter::Present(name) => {
            name.eq_ignore_ascii_case("objectClass") || !object.values(name).is_empty()
        }
        other => panic!("{other:?}"),
    }
}

/// One that listens.
pub(crate) struct Controller {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Controller {
    /// Of this domain, on a free port; `service` is the name of its settings.
    pub(crate) async fn start(domain: &Arc<Mutex<Domain>>, service: &str) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), domain, service).await.unwrap()
    }

    /// The same at an address.
    pub(crate) async fn at(
        address: SocketAddr,
        domain: &Arc<Mutex<Domain>>,
        service: &str,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (domain, service) = (Arc::clone(domain), service.to_owned());
        let task = tokio::spawn(async move {
            // They end with the listener.
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, Arc::clone(&domain), service.clone()));
            }
        });
        Ok(Self { address, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, domain: Arc<Mutex<Domain>>, service: String) {
    let mut framed = Framed::new(stream, LdapCodec::new(Some(1 << 20), None));
    while let Some(Ok(message)) = framed.next().await {
        let answers = locked(&domain).answer(message, &service);
        for answer in answers {
            if framed.feed(answer).await.is_err() {
                return;
            }
        }
        if framed.flush().await.is_err() {
            return;
        }
    }
}

/// The domain, to look at or to change.
pub(crate) fn locked(domain: &Arc<Mutex<Domain>>) -> MutexGuard<'_, Domain> {
    domain.lock().unwrap()
}
