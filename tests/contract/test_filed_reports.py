"""Filed reports on both databases: revisions, corrections, signatures, the command."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509.oid import NameOID

from telemetry.database.engine import Backend
from telemetry.errors import DatabaseError
from telemetry.ledger.canonical import canonical
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind
from telemetry.reports.desk import ReportDesk
from telemetry.reports.errors import ReportRevisionError, SignatureRefusedError
from telemetry.reports.period import parse_period
from telemetry.reports.seal import as_bytes, as_json, content_hash, from_bytes, sealed
from telemetry.reports.signature import Standing, check_signature
from telemetry.reports.store import ReportStore
from tests.support.plant import WallClock, accounts, correction
from tests.support.plant_month import END, fortnight

PLANT = accounts()
FIRST_SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "sorting-line-report-1.schema.json"
SEPTEMBER = parse_period("2026-09", PLANT.calendar)


@pytest.fixture
def ledger(database):
    ledger = Ledger(database, PLANT, now=WallClock(END))
    ledger.append(fortnight(days=3))
    return ledger


@pytest.fixture
def desk(database, ledger):
    return ReportDesk(database, PLANT, now=WallClock(END))


@pytest.fixture
def store(database):
    return ReportStore(database, now=WallClock(END))


def make(desk, **changes):
    values = {"edit": None, "draft": False} | changes
    return desk.make(ReportKind.SUMMARY, SEPTEMBER, **values)


def correct_a_delivery(ledger):
    delivery = next(entry for entry in fortnight(days=1) if entry.uid.startswith("in:"))
    body = dataclasses.replace(
        delivery.body, mass=dataclasses.replace(delivery.body.mass, mass_g=9)
    )
    ledger.append([correction(delivery, body)])


def test_filing_the_same_figures_again_does_nothing(desk, store):
    first, said = make(desk)
    again, said_again = make(desk)
    assert said == "filed as revision 1"
    assert "nothing has changed" in said_again
    assert as_bytes(first) == as_bytes(again)
    assert len(store.revisions(first.report_uid)) == 1
    assert store.file(first) is False


def test_other_figures_under_a_filed_revision_are_an_error_until_filed_as_an_edit(
    desk, ledger, store
):
    first, _ = make(desk)
    correct_a_delivery(ledger)
    with pytest.raises(ReportRevisionError, match="--edit REASON"):
        make(desk)
    second, _ = make(desk, edit="ticket 1 was mistyped")
    assert (second.revision, second.action, second.supersedes) == (2, "EDIT", first.sha256)
    kept = store.revisions(first.report_uid)
    assert [filed.document for filed in kept] == [first, second]
    assert "nothing has changed" in make(desk)[1]


def test_bytes_that_differ_under_the_same_revision_are_refused_by_the_store(desk, store):
    first, _ = make(desk)
    other = sealed(first.model_copy(update={"reason": "x"}))
    with pytest.raises(ReportRevisionError, match="is filed with other content"):
        store.file(other)


def test_an_edit_or_cancel_of_what_was_never_filed_is_refused(desk, store):
    with pytest.raises(ReportRevisionError, match="none is filed"):
        make(desk, edit="because")
    with pytest.raises(ReportRevisionError, match="no summary report is filed"):
        desk.cancel(ReportKind.SUMMARY, SEPTEMBER, "because")
    draft, _ = make(desk, draft=True)
    edit = sealed(draft.model_copy(update={"revision": 2, "action": "EDIT", "reason": "x"}))
    with pytest.raises(ReportRevisionError, match="EDIT names a report that was never filed"):
        store.file(edit)


def test_a_cancelled_report_stays_cancelled(desk, ledger, store):
    first, _ = make(desk)
    cancelled, _ = desk.cancel(ReportKind.SUMMARY, SEPTEMBER, "wrong plant")
    assert (cancelled.action, cancelled.received) == ("CANCEL", first.received)
    for attempt in (
        lambda: make(desk),
        lambda: make(desk, edit="again"),
        lambda: desk.cancel(ReportKind.SUMMARY, SEPTEMBER, "again"),
    ):
        with pytest.raises(ReportRevisionError, match="cancelled"):
            attempt()
    assert len(store.revisions(first.report_uid)) == 2


def test_a_correction_needs_a_reason_and_the_hash_it_supersedes(desk, store):
    first, _ = make(desk)
    for change in ({"reason": None}, {"supersedes": "0" * 64}):
        values = {"revision": 2, "action": "EDIT", "reason": "x", "supersedes": first.sha256}
        with pytest.raises(ReportRevisionError, match="names the hash it supersedes and a reason"):
            store.file(sealed(first.model_copy(update=values | change)))
    with pytest.raises(ReportRevisionError, match="after revision 1 comes the next"):
        store.file(sealed(first.model_copy(update={"revision": 3, "action": "EDIT"})))


def test_a_draft_is_not_kept(desk, store):
    document, said = make(desk, draft=True)
    assert said == "draft, not filed"
    assert store.newest(document.report_uid) is None


def test_a_filed_report_anchors_the_ledger(desk, ledger, store, database):
    make(desk)
    (anchor,) = store.anchors(PLANT.facility.bin, PLANT.facility.facility_id)
    assert anchor.seq == ledger.head().seq
    with database.engine.begin() as connection:
        if database.backend is Backend.SQLITE:
            connection.exec_driver_sql("DROP TRIGGER ledger_rows_no_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE ledger_rows DISABLE TRIGGER USER")
        connection.exec_driver_sql(f"DELETE FROM ledger_rows WHERE seq >= {anchor.seq}")
    assert ledger.verify().faults == ()
    (fault,) = ledger.verify([anchor]).faults
    assert "report 2026-09 revision 1 knows row" in fault.what


@pytest.mark.parametrize("table", ["reports", "report_signatures"])
def test_the_database_refuses_to_change_filed_reports_and_signatures(desk, database, table):
    document, _ = make(desk)
    desk.keep_signature(document, sign(as_bytes(document)), None)
    with pytest.raises(DatabaseError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM {table}")


def official(key=None, issuer=None):
    """Return a key and certificate such as an official holds; the key never leaves the test."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Responsible Person")])
    issuer_key, issuer_name = (issuer[0], issuer[1].subject) if issuer else (key, name)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer_name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=365))
    return key, builder.sign(issuer_key, hashes.SHA256())


def sign(content, who=None, encoding=serialization.Encoding.DER, *options):
    key, certificate = who or official()
    options = options or (pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    return builder.add_signer(certificate, key, hashes.SHA256()).sign(encoding, list(options))


@pytest.mark.parametrize("kind", ["elliptic", "rsa"])
@pytest.mark.parametrize("encoding", [serialization.Encoding.DER, serialization.Encoding.PEM])
def test_a_detached_signature_of_these_bytes_holds(kind, encoding):
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else None
    checked = check_signature(b"report", sign(b"report", official(key), encoding))
    assert (checked.standing, checked.signer) == (Standing.VALID, "CN=Responsible Person")


def test_an_issuer_that_is_trusted_is_checked():
    authority = official()
    person = official(issuer=authority)
    pem = authority[1].public_bytes(serialization.Encoding.PEM)
    signature = sign(b"report", person)
    assert check_signature(b"report", signature, trusted=pem).standing is Standing.VALID_TRUSTED
    other = official()[1].public_bytes(serialization.Encoding.PEM)
    with pytest.raises(SignatureRefusedError, match="was not issued by the trusted one"):
        check_signature(b"report", signature, trusted=other)


def test_a_signature_of_other_bytes_an_attached_one_or_no_signature_is_refused():
    with pytest.raises(SignatureRefusedError, match="belongs to other bytes"):
        check_signature(b"report!", sign(b"report"))
    attached = sign(b"report", None, serialization.Encoding.DER, pkcs7.PKCS7Options.Binary)
    with pytest.raises(SignatureRefusedError, match="carries its content"):
        check_signature(b"report", attached)
    for nonsense in (b"", b"hello", b"\x30\x03\x02\x01\x05", b"\x30\x80"):
        with pytest.raises(SignatureRefusedError):
            check_signature(b"report", nonsense)


def test_a_signature_changed_in_one_byte_does_not_hold():
    signature = bytearray(sign(b"report"))
    signature[-5] ^= 1
    with pytest.raises(SignatureRefusedError, match="does not belong to its certificate"):
        check_signature(b"report", bytes(signature))


def test_keys_are_never_stored():
    key, certificate = official()
    encodings = [
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    ]
    store = pkcs12.serialize_key_and_certificates(
        b"me", key, certificate, None, serialization.BestAvailableEncryption(b"secret")
    )
    for secret in (*encodings, store, encodings[0] + sign(b"report")):
        with pytest.raises(SignatureRefusedError, match="keys are never stored"):
            check_signature(b"report", secret)


def test_a_signature_is_kept_once_with_its_standing(desk, store):
    document, _ = make(desk)
    signature = sign(as_bytes(document))
    assert "; kept" in desk.keep_signature(document, signature, None)
    assert "was kept already" in desk.keep_signature(document, signature, None)
    kept = store.signatures(document.report_uid, 1)
    assert kept == (("CN=Responsible Person", "valid"),)
    assert json.loads(as_bytes(document))["sha256"] == document.sha256


def as_first_version(document):
    """Return a report as programs filed it before there was a second version."""
    later = ("reconciliation", "fractions", "overlap")
    values = {key: value for key, value in as_json(document).items() if key not in later}
    values["schema"] = "sorting-line-report/1"
    values["sha256"] = content_hash(values)
    return from_bytes(canonical(values))


def test_a_report_of_the_first_version_stays_valid_and_needs_no_correction(desk, store):
    draft, _ = make(desk, draft=True)
    first = as_first_version(draft)
    published = json.loads(FIRST_SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(published).validate(as_json(first))
    assert store.file(first)
    kept = store.newest(first.report_uid)
    assert as_bytes(kept.document) == kept.content
    assert content_hash(as_json(kept.document)) == kept.document.sha256
    same, said = make(desk)
    assert "nothing has changed" in said
    assert as_bytes(same) == kept.content
    cancelled, _ = desk.cancel(ReportKind.SUMMARY, SEPTEMBER, "entered twice")
    assert (cancelled.schema_, cancelled.revision) == ("sorting-line-report/1", 2)
    assert store.newest(first.report_uid).document.supersedes == first.sha256


EC_KEY, SHA_256 = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("0609608648016503040201")
NATIONAL_KEY = bytes.fromhex("06072a830e030a0101")
NATIONAL_HASH = bytes.fromhex("06092a830e030a01030301")
"""Object identifiers of the same lengths under Kazakhstan's arc, 1.2.398."""


def test_a_signature_with_a_national_key_is_kept_and_says_what_was_not_checked():
    person = official(ec.generate_private_key(ec.SECP256R1()))
    national = sign(b"report", person).replace(EC_KEY, NATIONAL_KEY)
    checked = check_signature(b"report", national)
    assert checked.standing is Standing.UNCHECKED_ALGORITHM
    assert "its message digest is that of these bytes" in checked.note
    with pytest.raises(SignatureRefusedError, match="other bytes"):
        check_signature(b"report!", national)
    unknown = check_signature(b"report", national.replace(SHA_256, NATIONAL_HASH))
    assert unknown.standing is Standing.UNCHECKED_ALGORITHM
    assert "whether it is of these bytes is unknown" in unknown.note
