//! TLS of the generator: whom it trusts, who it says it is, what it offers.

use std::borrow::Cow;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::base::error::{Code, Error, Result};
use crate::base::tls;
use crate::model::performance::plan::{Protocol, Tls};
use crate::perf::pem;

/// The path of a PEM file, and what it holds where that came with the plan.
type File<'f> = (&'f str, Option<&'f [u8]>);

/// What every connection of a plan offers and checks.
///
/// # Errors
/// A file of the plan cannot be read or used.
pub fn configuration(plan: &Tls, protocol: Protocol) -> Result<Arc<ClientConfig>> {
    tls::install();
    let held = &plan.contents;
    let builder = ClientConfig::builder();
    let builder = if plan.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(ring::default_provider())))
    } else if let Some(path) = &plan.ca {
        builder.with_root_certificates(roots((path, held.ca.as_deref()))?)
    } else {
        builder.with_platform_verifier().map_err(|problem| unusable("the machine's trusted roots", problem))?
    };
    let mut config = match (&plan.cert, &plan.key) {
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(
                certificates((cert, held.cert.as_deref()))?,
                private_key((key, held.key.as_deref()))?,
            )
            .map_err(|problem| unusable(&format!("{cert} with {key}"), problem))?,
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = match protocol {
        Protocol::Http1 => vec![b"http/1.1".to_vec()],
        Protocol::Http2 | Protocol::Grpc | Protocol::GrpcHealth => vec![b"h2".to_vec()],
        Protocol::Tcp | Protocol::Udp => Vec::new(),
    };
    Ok(Arc::new(config))
}

fn unusable(what: &str, problem: impl std::fmt::Display) -> Error {
    Error::new(Code::PerfPlan, format!("TLS cannot use {what}")).because(problem)
}

fn read((path, held): File<'_>) -> Result<Cow<'_, [u8]>> {
    pem::read(path, held).map_err(|problem| unusable(path, problem))
}

fn certificates(file: File<'_>) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = read(file)?;
    CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().map_err(|problem| unusable(file.0, problem))
}

fn private_key(file: File<'_>) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|problem| unusable(file.0, problem))
}

fn roots(file: File<'_>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(file)? {
        store.add(certificate).map_err(|problem| unusable(file.0, problem))?;
    }
    Ok(store)
}

/// Accepts every certificate, as the plan's `insecure` says; signatures are checked all the same.
#[derive(Debug)]
struct Anyone(CryptoProvider);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
