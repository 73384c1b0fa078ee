//! What a server is made of: kube-apiserver and etcd, as controller-runtime's envtest lays them (`KUBEBUILDER_ASSETS`), or
//! `shared/cluster` beside the checkout with Debian's etcd; and the CRDs.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::server::{above, is_there};

/// Programs and CRDs.
pub(crate) struct Assets {
    pub(crate) api_server: PathBuf,
    pub(crate) etcd: PathBuf,
    /// The folders with CRDs, where there are any.
    folders: Vec<PathBuf>,
}

/// Group, version, kind, plural, scope, and the file with the CRD: `shared/crds` and `shared/cluster` have them.
const KINDS: [[&str; 6]; 8] = [
    ["gateway.networking.k8s.io", "v1", "Gateway", "gateways", "Namespaced", "gateways.yaml"],
    ["gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", "Namespaced", "httproutes.yaml"],
    ["gateway.networking.k8s.io", "v1", "GRPCRoute", "grpcroutes", "Namespaced", "grpcroutes.yaml"],
    ["gateway.networking.k8s.io", "v1", "ListenerSet", "listenersets", "Namespaced", "listenersets.yaml"],
    [
        "gateway.networking.x-k8s.io",
        "v1alpha1",
        "XListenerSet",
        "xlistenersets",
        "Namespaced",
        "xlistenersets.crd.yaml",
    ],
    ["gateway.kgateway.dev", "v1alpha1", "TrafficPolicy", "trafficpolicies", "Namespaced", "trafficpolicies.crd.yaml"],
    [
        "gloo.solo.io",
        "v1alpha1",
        "GlooTrafficPolicy",
        "glootrafficpolicies",
        "Namespaced",
        "glootrafficpolicies.crd.yaml",
    ],
    ["gateway.networking.k8s.io", "v1", "GatewayClass", "gatewayclasses", "Cluster", "gatewayclasses.crd.yaml"],
];

impl Assets {
    /// What there is; where something is missing, the line that says so was printed, and with `KUBERNETES_TESTS=required`
    /// it is the message of a panic.
    pub(crate) fn ready() -> Option<&'static Self> {
        static FOUND: OnceLock<Result<Assets, String>> = OnceLock::new();
        match FOUND.get_or_init(Self::find) {
            Ok(assets) => Some(assets),
            Err(missing) => {
                skip(missing);
                None
            }
        }
    }

    fn find() -> Result<Self, String> {
        if !is_there("kubectl", "version") {
            return Err("kubectl is missing (Debian: kubernetes-client)".to_owned());
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders: Vec<_> =
            ["shared/crds", "shared/cluster"].into_iter().filter_map(|name| above(root, name)).collect();
        if let Some(folder) = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from) {
            let [api_server, etcd] = ["kube-apiserver", "etcd"].map(|name| folder.join(name));
            if let Some(missing) = [&api_server, &etcd].into_iter().find(|program| !program.is_file()) {
                return Err(format!("{} is missing", missing.display()));
            }
            return Ok(Self { api_server, etcd, folders });
        }
        let packed = above(root, "shared/cluster").map(|folder| folder.join("kube-apiserver.xz"));
        let Some(packed) = packed.filter(|packed| packed.is_file()) else {
            return Err("KUBEBUILDER_ASSETS names no folder with kube-apiserver and etcd".to_owned());
        };
        if !is_there("etcd", "--version") {
            return Err("etcd is missing (Debian: etcd-server)".to_owned());
        }
        Ok(Self { api_server: unpack(&packed)?, etcd: "etcd".into(), folders })
    }

    /// The CRDs, each with the path of its collection.
    pub(crate) fn crds(&self) -> Vec<(String, String)> {
        KINDS.iter().map(|kind| (path_of(kind), self.crd(kind))).collect()
    }

    /// The CRD of a kind, with the path of its collection.
    pub(crate) fn crd_of(&self, kind: &str) -> (String, String) {
        let kind = KINDS.iter().find(|known| known[2] == kind).expect("a known kind");
        (path_of(kind), self.crd(kind))
    }

    fn crd(&self, kind: &[&str; 6]) -> String {
        let file = self.folders.iter().map(|folder| folder.join(kind[5])).find(|file| file.is_file());
        let Some(file) = file else { return open_crd(kind) };
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // Servers before 1.25 refuse an empty string as a default.
        let lines = text.lines().filter(|line| line.trim() != "default: \"\"");
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Says what is skipped, or panics.
pub(crate) fn skip(missing: &str) {
    let line = format!("skipped: {missing}");
    assert!(std::env::var_os("KUBERNETES_TESTS").is_none_or(|value| value != "required"), "{line}");
    eprintln!("{line}");
}

fn path_of([group, version, _, plural, ..]: &[&str; 6]) -> String {
    format!("/apis/{group}/{version}/{plural}?limit=1")
}

/// A CRD with every field open, where the file of the real one is not there.
fn open_crd([group, version, kind, plural, scope, _]: &[&str; 6]) -> String {
    let open = "{type: object, x-kubernetes-preserve-unknown-fields: true}";
    let singular = kind.to_lowercase();
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
         metadata: {{name: {plural}.{group}, annotations: {{api-approved.kubernetes.io: \"unapproved, for tests\"}}}}\n\
         spec:\n  group: {group}\n  scope: {scope}\n\
         \x20 names: {{kind: {kind}, listKind: {kind}List, plural: {plural}, singular: {singular}}}\n\
         \x20 versions: [{{name: {version}, served: true, storage: true, subresources: {{status: {{}}}}, \
         schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {open}, status: {open}}}}}}}}}]\n"
    )
}

/// kube-apiserver, unpacked once for all runs of the tests.
fn unpack(packed: &Path) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = folder.join("kube-apiserver");
    let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    if modified(&program).is_some_and(|unpacked| Some(unpacked) > modified(packed)) {
        return Ok(program);
    }
    // Whoever unpacks at the same time has a file of their own, and the last one stays.
    let new = folder.join(format!("kube-apiserver-{}", std::process::id()));
    let error = |error: std::io::Error| format!("{}: {error}", new.display());
    fs::create_dir_all(folder).map_err(error)?;
    let output = File::create(&new).map_err(error)?;
    let unpacked = Command::new("xz").arg("-dc").arg(packed).stdout(output).status();
    if !unpacked.is_ok_and(|status| status.success()) {
        return Err("xz can't unpack kube-apiserver (Debian: xz-utils)".to_owned());
    }
    make_executable(&new).map_err(error)?;
    fs::rename(&new, &program).map_err(error)?;
    Ok(program)
}

#[cfg(unix)]
fn make_executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
