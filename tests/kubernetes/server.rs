//! A real kube-apiserver with etcd on loopback, with the CRDs of the Gateway API and those of kgateway and Gloo. In: what
//! this machine has of them. Out: a server that can be killed and started again, or a line that says what is missing.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

use crate::{
    assets::Assets,
    kubectl::{Kubectl, Proxy},
    supervised::Supervised,
    wait::wait_until,
};

/// The service account of `examples/kubernetes/rbac.yaml`, which has no rights but those that RBAC gives it.
pub(crate) const ACCOUNT: &str = "system:serviceaccount:gateways:tower-cors";

/// How many more accounts there are: `without-0` and so on, in the same namespace.
pub(crate) const ACCOUNTS: usize = 40;

/// What the accounts ask for is written down.
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n\
                            rules: [{level: Metadata, userGroups: [\"system:serviceaccounts\"]}, {level: None}]\n";

/// A server, which ends when this is dropped, and when the tests end in whatever way.
pub(crate) struct Server {
    assets: &'static Assets,
    folder: PathBuf,
    port: u16,
    etcd_port: u16,
    extra: Vec<&'static str>,
    etcd: Option<Supervised>,
    api: Option<Supervised>,
    removal: Option<Supervised>,
}

/// The server that tests share which neither stop it nor look at what others make; none where something is missing, which
/// was then told.
pub(crate) fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED.get_or_init(|| Some(Server::start(Assets::ready()?, &[]))).as_ref()
}

/// A server for one test; none where something is missing, which was then told.
pub(crate) fn own() -> Option<Server> {
    own_with(&[])
}

/// The same, with more arguments for kube-apiserver.
pub(crate) fn own_with(extra: &[&'static str]) -> Option<Server> {
    Some(Server::start(Assets::ready()?, extra))
}

impl Server {
    fn start(assets: &'static Assets, extra: &[&'static str]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-cors-kubernetes-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder for the server");
        let (port, etcd_port) = free_ports();
        let extra = extra.to_vec();
        let removal = Some(Supervised::removal(&folder));
        let mut server = Self { assets, folder, port, etcd_port, extra, etcd: None, api: None, removal };
        server.write_tokens(true);
        fs::write(server.file("audit.yaml"), AUDIT_POLICY).expect("a policy");
        server.start_etcd();
        server.start_api();
        server.install_all();
        server
    }

    /// The address, as clients use it.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// kubectl with every right.
    pub(crate) fn kubectl(&self) -> Kubectl {
        Kubectl::new(self.kubeconfig("admin"))
    }

    /// The API without TLS, through `kubectl proxy`.
    pub(crate) fn proxy(&self) -> Proxy {
        Proxy::start(&self.kubectl())
    }

    /// A kubeconfig: of `admin`, of `gateway` (the account of the example), or of `without-0` and so on.
    pub(crate) fn kubeconfig(&self, user: &str) -> String {
        self.kubeconfig_at(user, &self.address())
    }

    /// The same for a server that is reached at another address.
    pub(crate) fn kubeconfig_at(&self, user: &str, address: &str) -> String {
        let certificate = self.folder.join("certs/apiserver.crt");
        let text = format!(
            "apiVersion: v1\nkind: Config\n\
             clusters: [{{name: local, cluster: {{server: \"https://{address}\", certificate-authority: \"{}\"}}}}]\n\
             users: [{{name: {user}, user: {{token: {user}-token}}}}]\n\
             contexts: [{{name: {user}, context: {{cluster: local, user: {user}}}}}]\ncurrent-context: {user}\n",
            certificate.display()
        );
        let file = self.folder.join(format!("{user}-{}.kubeconfig", address.replace(':', "-")));
        fs::write(&file, text).expect("a kubeconfig");
        file.display().to_string()
    }

    /// How many requests of an account were refused for want of rights.
    pub(crate) fn refused(&self, account: &str) -> usize {
        let is_refused = |entry: &&Value| entry["responseStatus"]["code"] == 403;
        self.asked_by(account).iter().filter(is_refused).count()
    }

    /// What an account of the namespace `gateways` has asked for, as the server's audit log has it.
    pub(crate) fn asked_by(&self, account: &str) -> Vec<Value> {
        let account = format!("system:serviceaccount:gateways:{account}");
        let log = fs::read_to_string(self.file("audit.log")).unwrap_or_default();
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        entries.filter(|entry| entry["user"]["username"] == account.as_str()).collect()
    }

    /// A file of the server's folder.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Ends kube-apiserver at once.
    pub(crate) fn kill_api(&mut self) {
        self.api = None;
    }

    /// Ends etcd at once.
    pub(crate) fn kill_etcd(&mut self) {
        self.etcd = None;
    }

    /// Forgets all objects. etcd must not run.
    pub(crate) fn empty_store(&mut self) {
        assert!(self.etcd.is_none(), "the store is in use");
        fs::remove_dir_all(self.folder.join("etcd")).expect("the store");
    }

    /// Makes the token of the example's account valid or not; the server reads it when it starts.
    pub(crate) fn write_tokens(&self, with_gateway: bool) {
        let groups = "\"system:serviceaccounts,system:authenticated\"";
        let mut tokens = "admin-token,admin,admin,system:masters\n".to_owned();
        if with_gateway {
            tokens += &format!("gateway-token,{ACCOUNT},gateway,{groups}\n");
        }
        for at in 0..ACCOUNTS {
            tokens +=
                &format!("without-{at}-token,system:serviceaccount:gateways:without-{at},without-{at},{groups}\n");
        }
        fs::write(self.folder.join("tokens"), tokens).expect("tokens");
    }

    /// Starts etcd on the store that is there.
    pub(crate) fn start_etcd(&mut self) {
        let address = format!("http://127.0.0.1:{}", self.etcd_port);
        let mut command = Command::new(&self.assets.etcd);
        command.arg("--data-dir").arg(self.folder.join("etcd"));
        command.args(["--listen-client-urls", &address, "--advertise-client-urls", &address]);
        command.args(["--listen-peer-urls", "http://127.0.0.1:0", "--unsafe-no-fsync"]);
        self.etcd = Some(Supervised::start(&command, &self.folder.join("etcd.log")));
    }

    /// Starts kube-apiserver, and waits until it is ready.
    pub(crate) fn start_api(&mut self) {
        let file = |name: &str| self.folder.join(name).display().to_string();
        // The server makes a key for TLS when it finds none, before it reads this one.
        let key = file("certs/apiserver.key");
        let mut command = Command::new(&self.assets.api_server);
        command.args([
            &format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            &format!("--cert-dir={}", file("certs")),
            &format!("--secure-port={}", self.port),
            "--bind-address=127.0.0.1",
            "--service-cluster-ip-range=10.0.0.0/24",
            &format!("--token-auth-file={}", file("tokens")),
            "--authorization-mode=RBAC",
            &format!("--audit-policy-file={}", file("audit.yaml")),
            &format!("--audit-log-path={}", file("audit.log")),
            "--endpoint-reconciler-type=none",
            "--service-account-issuer=https://kubernetes.default.svc",
            &format!("--service-account-signing-key-file={key}"),
            &format!("--service-account-key-file={key}"),
            // There is no controller that would make the accounts it asks for.
            "--disable-admission-plugins=ServiceAccount",
        ]);
        command.args(&self.extra);
        let log = self.folder.join("kube-apiserver.log");
        self.api = Some(Supervised::start(&command, &log));
        let kubectl = self.kubectl();
        wait_until(&format!("kube-apiserver is ready (see {})", log.display()), || {
            let ready = kubectl.get_raw("/readyz").unwrap_or_default();
            (ready == "ok").then_some(())
        });
    }

    /// Installs every CRD.
    pub(crate) fn install_all(&self) {
        self.install(&self.assets.crds());
    }

    /// Installs CRDs, and waits until their kinds are served.
    pub(crate) fn install(&self, crds: &[(String, String)]) {
        let kubectl = self.kubectl();
        let whole: Vec<_> = crds.iter().map(|(_, text)| text.as_str()).collect();
        kubectl.create(&whole.join("\n---\n"));
        for (path, _) in crds {
            wait_until(&format!("{path} is served"), || kubectl.get_raw(path).ok());
        }
    }

    /// Compacts the history to what there is now, through etcd.
    pub(crate) fn compact_history(&self) {
        let ask = |path: &str, body: &str| {
            let url = format!("http://127.0.0.1:{}{path}", self.etcd_port);
            let output = Command::new("curl").args(["-sS", "-f", "--max-time", "10", "-d", body, &url]).output();
            let output = output.expect("curl");
            assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
        };
        let range = ask("/v3/kv/range", "{\"key\": \"AA==\"}");
        let revision = range["header"]["revision"].as_str().expect("a revision").to_owned();
        ask("/v3/kv/compaction", &format!("{{\"revision\": \"{revision}\", \"physical\": true}}"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        (self.api, self.etcd) = (None, None);
        self.removal = None;
    }
}

/// Two ports that nobody listens on.
fn free_ports() -> (u16, u16) {
    let sockets = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let [one, other] = sockets.map(|socket| socket.local_addr().expect("an address").port());
    (one, other)
}

/// Whether a program can be started.
pub(crate) fn is_there(program: &str, argument: &str) -> bool {
    let started = Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
    started.is_ok()
}

/// The first of `folders` that is there below `root` or a folder above it.
pub(crate) fn above(root: &Path, name: &str) -> Option<PathBuf> {
    root.ancestors().map(|folder| folder.join(name)).find(|path| path.is_dir())
}
