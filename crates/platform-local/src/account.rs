//! Whose account this runs under, for whoever does not say who they are.

/// What the environment calls it; nobody checks it, and the help says so.
#[expect(
    clippy::disallowed_methods,
    reason = "who asks for an action is told by the environment of this command and nowhere else"
)]
pub fn name() -> String {
    let told = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|variable| std::env::var(variable).ok());
    told.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "somebody".into())
}
