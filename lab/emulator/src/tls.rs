//! TLS for loopback: a certificate authority that can vouch for loopback names only, and one server certificate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

use crate::keys::VALID_FOR;
use crate::{EmulatorError, files};

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca.key.pem";

/// The lab's certificate authority and what it issued.
pub(crate) struct Tls {
    pub(crate) ca_pem: String,
    pub(crate) config: Arc<ServerConfig>,
}

/// Makes an authority, or takes up the one in the data folder, and issues a server certificate.
pub(crate) fn prepare(data_dir: Option<&Path>) -> Result<Tls, EmulatorError> {
    let (ca_pem, ca_key) = match data_dir.and_then(kept) {
        Some(kept) => kept,
        None => made(data_dir)?,
    };
    let key = KeyPair::generate().map_err(EmulatorError::certificate)?;
    let issuer = Issuer::new(authority(), ca_key);
    let certificate = server().signed_by(&key, &issuer).map_err(EmulatorError::certificate)?;
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(EmulatorError::Tls)?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .map_err(EmulatorError::Tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls { ca_pem, config: Arc::new(config) })
}

fn kept(folder: &Path) -> Option<(String, KeyPair)> {
    let pem = String::from_utf8(files::fresh(folder, CA_CERTIFICATE)?).ok()?;
    let key = String::from_utf8(files::fresh(folder, CA_KEY)?).ok()?;
    Some((pem, KeyPair::from_pem(&key).ok()?))
}

fn made(data_dir: Option<&Path>) -> Result<(String, KeyPair), EmulatorError> {
    let key = KeyPair::generate().map_err(EmulatorError::certificate)?;
    let pem = authority().self_signed(&key).map_err(EmulatorError::certificate)?.pem();
    if let Some(folder) = data_dir {
        files::write(folder, CA_KEY, key.serialize_pem().as_bytes())?;
        files::write(folder, CA_CERTIFICATE, pem.as_bytes())?;
    }
    Ok((pem, key))
}

/// Whoever steals this key can imitate loopback, for a week, and nothing else (D-19).
fn authority() -> CertificateParams {
    let mut params = lasting();
    params.distinguished_name = named("Doorward lab authority, loopback only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName(String::from("localhost")),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(IpAddr::V4(Ipv4Addr::LOCALHOST), 32)),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(IpAddr::V6(Ipv6Addr::LOCALHOST), 128)),
        ],
        excluded_subtrees: Vec::new(),
    });
    params
}

fn server() -> CertificateParams {
    let mut params = lasting();
    params.distinguished_name = named("localhost");
    params.subject_alt_names = vec![
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    if let Ok(name) = "localhost".try_into() {
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    // Strict verifiers, Python's from 3.13 on, look for it.
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn lasting() -> CertificateParams {
    let now = SystemTime::now();
    let mut params = CertificateParams::default();
    // A clock a few minutes behind must not refuse a certificate made now.
    params.not_before = (now - std::time::Duration::from_secs(300)).into();
    params.not_after = (now + VALID_FOR).into();
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
