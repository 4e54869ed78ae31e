"""A throw-away certificate authority for a loopback cluster: never a key of a real one."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NODE_NAME = "hark-kafka-node"
_VALID_DAYS = 30


@dataclass(frozen=True)
class Certificates:
    """Paths of the PEM files that clients and nodes need.

    Attributes
    ----------
    authority : Path
        The CA's certificate; clients trust it (``ssl_cafile``).
    node : Path
        Private key and chain of the nodes, as Kafka's PEM key store wants them.
    """

    authority: Path
    node: Path


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_VALID_DAYS))
    )


def make(folder: Path) -> Certificates:
    """Write a new CA and one node certificate for 127.0.0.1 and localhost.

    Every node shares the certificate: they stand on one machine, and the nodes prove themselves to each other
    with it (mutual TLS on the listener between nodes).

    Parameters
    ----------
    folder : Path
        Existing folder; private keys are written readable by the owner alone.
    """
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("hark-kafka-test-ca")
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca_key_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    authority = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(ca_key_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    node = (
        _builder(_name(NODE_NAME), ca_name, key.public_key())
        .add_extension(x509.SubjectAlternativeName(here), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_key_id), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    paths = Certificates(authority=folder / "ca.pem", node=folder / "node.pem")
    paths.authority.write_bytes(authority.public_bytes(pem))
    paths.node.touch(mode=0o600)
    paths.node.write_bytes(private + node.public_bytes(pem) + authority.public_bytes(pem))
    return paths
