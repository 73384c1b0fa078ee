//! What a person puts together on the page: settings, a request, and what the API behind the layer answers. It is what
//! the page sends, and what a permalink holds.

use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_cors::{
    Profile,
    merge::{MergeOptions, MergeStrategy, Preference},
};

/// One thing to try.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) profile: ProfileName,
    pub(crate) strategy: Strategy,
    pub(crate) preference: Prefers,
    /// The most specific first.
    pub(crate) settings: Vec<Written>,
    pub(crate) backend: Backend,
    /// In the place of the settings.
    #[serde(default)]
    pub(crate) manifest: Option<GivenManifest>,
}

/// A whole manifest, and a request under it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenManifest {
    pub(crate) text: String,
    /// What is fetched.
    pub(crate) url: String,
    /// The origin that the page stands for.
    pub(crate) page: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProfileName {
    Strict,
    GatewayApi,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Strategy {
    Replace,
    Inherit,
    Union,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Prefers {
    Child,
    Parent,
}

/// A setting as it is written: as YAML, or in the form, whose policy then counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) yaml: String,
    #[serde(default)]
    pub(crate) policy: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Left out of the stack.
    Off,
    Policy,
    Disabled,
    Ceiling,
}

/// What the service within the layer answers to every request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backend {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Whether something outside of the layer answers so, which then sees neither the request nor the response.
    #[serde(default)]
    pub(crate) outside: bool,
}

impl Scenario {
    pub(crate) fn merge_options(&self) -> MergeOptions {
        let strategy = match self.strategy {
            Strategy::Replace => MergeStrategy::Replace,
            Strategy::Inherit => MergeStrategy::Inherit,
            Strategy::Union => MergeStrategy::Union,
        };
        MergeOptions::new(strategy).preference(match self.preference {
            Prefers::Child => Preference::Child,
            Prefers::Parent => Preference::Parent,
        })
    }
}

impl ProfileName {
    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::Strict => Profile::Strict,
            Self::GatewayApi => Profile::GatewayApi,
        }
    }
}

impl Backend {
    /// The answer, where HTTP has such a one.
    ///
    /// # Errors
    ///
    /// What is wrong, in a sentence.
    pub(crate) fn checked(&self) -> Result<(StatusCode, Vec<(HeaderName, HeaderValue)>), String> {
        // An interim status is no answer, and hyper refuses to send it as one.
        let status = StatusCode::from_u16(self.status).ok().filter(|_| (200..600).contains(&self.status));
        let status = status.ok_or_else(|| format!("{} is not a status from 200 to 599", self.status))?;
        let headers = self.headers.iter().map(|(name, value)| header(name, value));
        Ok((status, headers.collect::<Result<_, _>>()?))
    }
}

/// A header as it is typed in.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed: HeaderName = name.parse().map_err(|_| format!("\"{name}\" is not a header name"))?;
    // The connection's own: a wrong length would break it.
    if ["connection", "content-length", "transfer-encoding", "upgrade"].contains(&parsed.as_str()) {
        return Err(format!("{parsed} is for the server to set"));
    }
    Ok((parsed, value.parse().map_err(|_| format!("\"{value}\" is not the value of a header"))?))
}
