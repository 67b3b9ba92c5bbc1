use super::*;

fn named(texts: &[&str]) -> Option<String> {
    let mut headers = HeaderMap::new();
    for text in texts {
        headers.append("www-authenticate", text.parse().unwrap());
    }
    key_file(&headers, Path::new(FOLDER)).ok().map(|path| path.display().to_string())
}

// control: MSI-03: who listens on the agent's port cannot have any file of this machine sent to it
#[test]
fn only_a_key_file_of_the_agents_is_named() {
    let good = "Basic realm=/var/opt/azcmagent/tokens/3f-a_1.key";
    assert_eq!(named(&[good]).as_deref(), Some("/var/opt/azcmagent/tokens/3f-a_1.key"));
    assert_eq!(named(&[good, good]), None, "two challenges");
    assert_eq!(named(&[]), None);
    for bad in [
        "Basic realm=/etc/shadow",
        "Basic realm=/etc/doorward.key",
        "Basic realm=/var/opt/azcmagent/tokens/../../../../etc/doorward.key",
        "Basic realm=/var/opt/azcmagent/tokens/sub/a.key",
        "Basic realm=/var/opt/azcmagent/tokens/a.pem",
        "Basic realm=/var/opt/azcmagent/tokens/.key",
        "Basic realm=/var/opt/azcmagent/tokens/a.b.key",
        "Basic realm=/var/opt/azcmagent/tokens/",
        "Basic realm=/var/opt/azcmagent/tokens-other/a.key",
        "Basic realm=a.key",
        "Basic realm=",
        "Bearer realm=/var/opt/azcmagent/tokens/a.key",
        "Negotiate",
    ] {
        assert_eq!(named(&[bad]), None, "{bad}");
    }
}

/// What a client without the rule does: it reads what it is told to.
#[tokio::test]
async fn without_the_rule_any_file_goes_out() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("shadow");
    std::fs::write(&secret, "hush").unwrap();
    let challenge = format!("Basic realm={}", secret.display());
    let naive = std::fs::read_to_string(challenge.strip_prefix("Basic realm=").unwrap()).unwrap();
    assert_eq!(naive, "hush");
    assert_eq!(named(&[&challenge]), None);
}

// control: MSI-03: a key file is a plain file of at most 4096 bytes
#[tokio::test]
async fn a_key_file_is_small_and_plain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.key");
    for (content, fits) in [
        ("k".repeat(4096), true),
        ("k".repeat(4097), false),
        (String::new(), false),
        ("hush\r\nX-Evil: 1".to_owned(), false),
    ] {
        std::fs::write(&path, &content).unwrap();
        match read(&path).await {
            Ok(key) => assert!(fits && *key == content),
            Err(error) => assert!(!fits && !error.to_string().contains("hush"), "{error}"),
        }
    }
    assert!(read(folder.path()).await.is_err());
    #[cfg(unix)]
    {
        let (target, link) = (folder.path().join("target"), folder.path().join("link.key"));
        std::fs::write(&target, "hush").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(read(&link).await.is_err(), "a link leads elsewhere");
    }
}
