//! TLS on loopback, with certificates made here: whose is at fault, against which roots, and what to do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use evenkeel::error::{Delivery, Error, ErrorKind, Recovery};
use evenkeel::transport::{
    BaseUrl, Cleartext, HttpVersions, ReqwestTransport, ReqwestTransportBuilder, Roots,
};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::world::{self, exchange, request};

/// An authority of the test's own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// A certificate and its key.
pub(crate) struct Leaf {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        Self::named(&format!(
            "Authority {}",
            LAST.fetch_add(1, Ordering::Relaxed)
        ))
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Trust in it alone.
    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        Arc::new(roots)
    }

    /// A certificate for `name`, valid around `middle` for a day.
    fn signs(&self, name: &str, middle: SystemTime) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let day = Duration::from_hours(24);
        params.not_before = (middle - day).into();
        params.not_after = (middle + day).into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf { certificate, key }
    }

    /// A good certificate for this machine.
    pub(crate) fn vouches(&self) -> Leaf {
        self.signs("localhost", today())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are valid by the real calendar"
)]
fn today() -> SystemTime {
    SystemTime::now()
}

impl Leaf {
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem() + &self.key.serialize_pem()
    }

    pub(crate) fn config(&self, clients: Option<&Authority>) -> ServerConfig {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        // Named, because with all features there is more than one to choose from.
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(authority.roots(), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = vec![self.certificate.der().clone()];
        builder
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key))
            .unwrap()
    }
}

/// A server that answers over TLS whoever gets that far.
pub(crate) async fn serve(leaf: &Leaf) -> SocketAddr {
    serve_to(leaf, None).await
}

pub(crate) async fn serve_to(leaf: &Leaf, clients: Option<&Authority>) -> SocketAddr {
    let (listener, address) = world::listen().await;
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(leaf.config(clients)));
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut socket) = acceptor.accept(socket).await else {
                    return;
                };
                world::head(&mut socket).await;
                let _ = socket.write_all(world::ANSWER.as_bytes()).await;
            });
        }
    });
    address
}

/// Trusts what is given and nobody else, so that no test depends on this machine's roots.
pub(crate) fn trusting(authority: &Authority) -> ReqwestTransportBuilder {
    world::settings()
        .roots(Roots::Given)
        .ca_pem(authority.pem())
}

pub(crate) async fn refusal(transport: &ReqwestTransport, address: SocketAddr) -> Error {
    let url = format!("https://localhost:{}", address.port());
    exchange(transport, request(&url)).await.unwrap_err()
}

/// What is said of a fault of trust that came before anything was sent.
pub(crate) fn line(error: &Error) -> &str {
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
    assert_eq!(error.recovery(), Recovery::Never);
    error.message().unwrap()
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_a_line_of_its_own() {
    let ours = Authority::new();
    let transport = trusting(&ours).build().unwrap();
    let day = Duration::from_hours(24);

    let stranger = serve(&Authority::new().vouches()).await;
    assert_eq!(
        line(&refusal(&transport, stranger).await),
        "the certificate of localhost is signed by an authority that is not in the given CA \
         certificates; if you trust it, add it with ca_file"
    );
    let renewed = Authority::named("Renewed");
    let old = trusting(&Authority::named("Renewed")).build().unwrap();
    let renewed = serve(&renewed.vouches()).await;
    assert_eq!(
        line(&refusal(&old, renewed).await),
        "the certificate of localhost is signed by an authority whose name is known from the given \
         CA certificates, and not its key, as after a renewal; if you trust it, add it with ca_file"
    );
    let expired = serve(&ours.signs("localhost", today() - 10 * day)).await;
    assert_eq!(
        line(&refusal(&transport, expired).await),
        "the certificate of localhost has expired; it is for whoever runs localhost to renew, unless \
         the clock of this machine is wrong"
    );
    let early = serve(&ours.signs("localhost", today() + 10 * day)).await;
    assert_eq!(
        line(&refusal(&transport, early).await),
        "the certificate of localhost is not valid yet; check the clock of this machine"
    );
    let elsewhere = serve(&ours.signs("elsewhere.example", today())).await;
    assert_eq!(
        line(&refusal(&transport, elsewhere).await),
        "the certificate that was presented for localhost is for another name; check base_url, and \
         who answers in its place"
    );
}

#[tokio::test]
async fn the_root_store_is_named() {
    let stranger = serve(&Authority::new().vouches()).await;
    let ours = Authority::new();
    let bundled = world::settings().roots(Roots::Bundled);
    let error = refusal(&bundled.clone().build().unwrap(), stranger).await;
    assert!(line(&error).contains("not in the bundled root certificates;"));
    let error = refusal(&bundled.ca_pem(ours.pem()).build().unwrap(), stranger).await;
    let both = "not in the bundled root certificates nor among the given CA certificates;";
    assert!(line(&error).contains(both));
    // A machine without roots of its own has those that are given.
    let error = refusal(
        &world::settings().ca_pem(ours.pem()).build().unwrap(),
        stranger,
    )
    .await;
    assert!(line(&error).contains(" nor among the given CA certificates;"));
}

#[tokio::test]
async fn an_extra_authority_makes_it_work_from_memory_and_from_a_file() {
    let authority = Authority::new();
    let address = serve(&authority.vouches()).await;
    let url = format!("https://localhost:{}", address.port());
    let file = std::env::temp_dir().join(format!("evenkeel-{}-ca.pem", std::process::id()));
    std::fs::write(&file, authority.pem()).unwrap();
    for settings in [
        trusting(&authority),
        world::settings().roots(Roots::Given).ca_file(&file),
        world::settings().ca_file(&file),
        trusting(&authority).http_versions(HttpVersions::Http1),
    ] {
        let (status, body) = exchange(&settings.build().unwrap(), request(&url))
            .await
            .unwrap();
        assert_eq!((status, body.len()), (200, 17));
    }
    std::fs::remove_file(&file).unwrap();

    // The facade has the same settings.
    let client = evenkeel::Client::builder()
        .base_url(&url)
        .connections(
            world::settings()
                .roots(Roots::Given)
                .ca_pem(Authority::new().pem()),
        )
        .build()
        .unwrap();
    let asked = evenkeel::MessageRequest::new("claude-sonnet-5-5", 64).user(world::PROMPT);
    let error = client.messages().create(asked).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (ErrorKind::Connection, 1)
    );
    let shown = error.to_string();
    assert!(
        shown.contains("the certificate of localhost is signed by"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_the_want_of_one_is_said() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let address = serve_to(&servers.vouches(), Some(&clients)).await;
    let url = format!("https://localhost:{}", address.port());
    let identity = clients.signs("client", today()).pem();
    let transport = trusting(&servers)
        .client_certificate(identity)
        .build()
        .unwrap();
    assert_eq!(exchange(&transport, request(&url)).await.unwrap().0, 200);

    let without = trusting(&servers).build().unwrap();
    assert_eq!(
        line(&refusal(&without, address).await),
        "localhost does not accept the client certificate, or asks for one; set client_certificate"
    );
    let key_of_another =
        clients.vouches().certificate.pem() + &KeyPair::generate().unwrap().serialize_pem();
    let error = trusting(&servers)
        .client_certificate(key_of_another)
        .build()
        .unwrap_err();
    world::say(&error);
    assert!(
        error
            .message()
            .unwrap()
            .starts_with("client_certificate and its key do not fit")
    );
}

/// Played by the next test in a process of its own, because environments are a process's.
#[tokio::test]
#[ignore = "needs an environment"]
async fn what_the_environment_says_about_trust() {
    crate::overheard::listen();
    let url = std::env::var("EVENKEEL_TEST_URL").unwrap();
    let base_url = BaseUrl::parse(&url, Cleartext::LoopbackOnly).unwrap();
    match ReqwestTransport::builder().build_for(&base_url) {
        Err(error) => println!("[at build] {error}"),
        Ok(transport) => match exchange(&transport, request(&url)).await {
            Ok((status, _)) => println!("[answered] {status}"),
            Err(error) => println!("[failed] {error}"),
        },
    }
}

async fn in_environment(url: &str, variables: &[(&str, &str)]) -> String {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "certificates::what_the_environment_says_about_trust",
    ]);
    child
        .args(["--ignored", "--nocapture"])
        .env("EVENKEEL_TEST_URL", url);
    for variable in [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        child.env_remove(variable);
    }
    child.envs(variables.iter().copied());
    let ran = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

#[tokio::test]
async fn the_environment_is_heard_about_certificates_and_proxies() {
    let authority = Authority::new();
    let address = serve(&authority.vouches()).await;
    let url = format!("https://localhost:{}", address.port());
    let file = std::env::temp_dir().join(format!("evenkeel-{}-env.pem", std::process::id()));
    std::fs::write(&file, authority.pem()).unwrap();
    let file = file.to_str().unwrap();

    let trusted = in_environment(&url, &[("SSL_CERT_FILE", file)]).await;
    assert!(trusted.contains("[answered] 200"), "{trusted}");

    let other = std::env::temp_dir().join(format!("evenkeel-{}-other.pem", std::process::id()));
    std::fs::write(&other, Authority::new().pem()).unwrap();
    let others = in_environment(&url, &[("SSL_CERT_FILE", other.to_str().unwrap())]).await;
    assert!(
        others.contains("not in the file that SSL_CERT_FILE names"),
        "{others}"
    );

    assert!(others.contains("add it there, or with ca_file"), "{others}");

    let nobody = [("SSL_CERT_FILE", "/dev/null")];
    let none = in_environment(&url, &nobody).await;
    let unset = "[at build] invalid_config: base_url is https, but SSL_CERT_FILE names \
                 /dev/null, which holds no root certificates: correct or unset it; or give ca_file";
    assert!(none.contains(unset), "{none}");
    let mistyped = in_environment(&url, &[("SSL_CERT_FILE", "/nowhere/ca.pem")]).await;
    let named = "[at build] invalid_config: SSL_CERT_FILE names /nowhere/ca.pem, which cannot be read: \
         no such file";
    assert!(mistyped.contains(named), "{mistyped}");
    let (listener, http) = world::listen().await;
    drop(listener);
    let http = in_environment(&format!("http://{http}"), &nobody).await;
    assert!(
        http.contains("[failed] connection: cannot connect"),
        "{http}"
    );

    // A folder is read too.
    let folder = std::env::temp_dir().join(format!("evenkeel-{}-certs", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let folder = [("SSL_CERT_DIR", folder.to_str().unwrap())];
    let trusted = in_environment(&url, &folder).await;
    assert!(trusted.contains("[answered] 200"), "{trusted}");
    std::fs::remove_dir_all(folder[0].1).unwrap();

    // SOCKS is not spoken, and that is said before a call fails for it.
    let socks = [
        ("SSL_CERT_FILE", file),
        ("ALL_PROXY", "socks5://user:planted-password@localhost:9"),
    ];
    let refused = in_environment(&url, &socks).await;
    assert!(
        refused.contains("[at build] invalid_config: proxy must be http:// or https://"),
        "{refused}"
    );

    // What nobody understands is not taken for none: all would go past the proxy that was meant.
    for name in ["HTTPS_PROXY", "all_proxy"] {
        let slip = (name, "htps://user:planted-password@localhost:9");
        let refused = in_environment(&url, &[("SSL_CERT_FILE", file), slip]).await;
        let named =
            format!("[at build] invalid_config: {name} is set and is no URL of a proxy, such as");
        assert!(refused.contains(&named), "{refused}");
        let (listener, http) = world::listen().await;
        drop(listener);
        let http = in_environment(&format!("http://{http}"), &[slip]).await;
        assert!(
            http.contains("[failed] connection: cannot connect"),
            "{http}"
        );
    }

    // Nobody listens at the proxy: who is sent there fails.
    let proxy = ("HTTPS_PROXY", "http://user:planted-password@localhost:9");
    let proxied = in_environment(&url, &[("SSL_CERT_FILE", file), proxy]).await;
    let named = format!(
        "[failed] connection: cannot reach localhost:{} through the proxy localhost:9",
        address.port()
    );
    assert!(proxied.contains(&named), "{proxied}");
    let excepted = [("SSL_CERT_FILE", file), proxy, ("NO_PROXY", "localhost")];
    let direct = in_environment(&url, &excepted).await;
    assert!(direct.contains("[answered] 200"), "{direct}");
}
