"""Reads the corpus that `compare` wrote, runs the other tools on it, and prints the table."""

import collections
import csv
import importlib.metadata
import inspect
import logging
import pathlib
import sys
import time

import spacy
from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, PatternRecognizer, RecognizerRegistry, predefined_recognizers
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
from spacy.language import Language

# What Presidio calls what ours finds; a detector that is not here has no counterpart.
PRESIDIO = {
    "payment-card": {"CREDIT_CARD"}, "iban": {"IBAN_CODE"}, "email-address": {"EMAIL_ADDRESS"}, "phone-number": {"PHONE_NUMBER"},
    "us-ssn": {"US_SSN"}, "us-routing-number": {"ABA_ROUTING_NUMBER"}, "us-npi": {"US_NPI"}, "uk-nhs-number": {"UK_NHS"}, "uk-nino": {"UK_NINO"},
    "au-tfn": {"AU_TFN"}, "au-medicare": {"AU_MEDICARE"}, "es-dni": {"ES_NIF", "ES_NIE"}, "it-codice-fiscale": {"IT_FISCAL_CODE"},
    "pl-pesel": {"PL_PESEL"}, "fi-hetu": {"FI_PERSONAL_IDENTITY_CODE"}, "in-aadhaar": {"IN_AADHAAR"}, "in-pan": {"IN_PAN"}, "sg-nric": {"SG_NRIC_FIN"},
    "kr-rrn": {"KR_RRN"}, "th-id": {"TH_TNIN"}, "de-tax-id": {"DE_TAX_ID"}, "se-personnummer": {"SE_PERSONNUMMER"}, "tr-identity-number": {"TR_NATIONAL_ID"},
    "ca-sin": {"CA_SIN"}, "za-id": {"ZA_ID_NUMBER"}, "date-of-birth": {"DATE_TIME"},
}

# Detectors whose values detect-secrets is made for; any of its findings counts for them, whatever it calls it.
KINDS_OF_SECRETS = ("-key", "-token", "-secret", "-webhook", "jwt", "private-key", "password", "connection-string", "basic-auth-url")

# Presidio's own proposal for a threshold; with its default of 0 every number of nine digits is an identity.
SCORE_MIN = 0.4


def presidio():
    """An analyzer with every recognizer that needs no language model."""
    @Language.component("lower_lemma")
    def lower_lemma(doc):
        for token in doc:
            token.lemma_ = token.lower_
        return doc

    class Tokenizer(SpacyNlpEngine):
        def __init__(self):
            super().__init__(ner_model_configuration=NerModelConfiguration(labels_to_ignore=[]))
            blank = spacy.blank("en")
            blank.add_pipe("lower_lemma")
            self.nlp = {"en": blank}

    registry = RecognizerRegistry()
    for _, kind in sorted(vars(predefined_recognizers).items()):
        if not inspect.isclass(kind) or not issubclass(kind, EntityRecognizer):
            continue
        if not issubclass(kind, PatternRecognizer) and kind.__name__ != "PhoneRecognizer":
            continue
        try:
            registry.add_recognizer(kind(supported_language="en"))
        except Exception as error:  # one that cannot be made without more is left out, and said
            print(f"left out: {kind.__name__}: {error}", file=sys.stderr)
    print(sorted({entity for recognizer in registry.recognizers for entity in recognizer.supported_entities}), file=sys.stderr)
    return AnalyzerEngine(nlp_engine=Tokenizer(), registry=registry, supported_languages=["en"])


class Score:
    def __init__(self):
        self.wanted = self.right = self.wrong = 0

    def __str__(self):
        found = self.right + self.wrong
        return f"{self.right / self.wanted:.2f} / {self.right / found:.2f}" if found else "0.00 / –"


def main():
    logging.disable(logging.WARNING)
    folder = pathlib.Path(sys.argv[1])
    with open(folder / "list.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    analyzer = presidio()
    names = sorted({row["detector"] for row in rows if row["detector"]})
    secrets_names = [name for name in names if name.endswith(KINDS_OF_SECRETS) or name in KINDS_OF_SECRETS]
    scores = {tool: collections.defaultdict(Score) for tool in ("ours", "presidio", "detect-secrets")}
    seconds = collections.Counter()
    for row in rows:
        text = (folder / row["file"]).read_text()
        ours = {name.split("=")[0] for name in row["found"].split(",") if name}
        begun = time.process_time()
        entities = {result.entity_type for result in analyzer.analyze(text, language="en", score_threshold=SCORE_MIN)}
        seconds["presidio"] += time.process_time() - begun
        begun = time.process_time()
        collection = SecretsCollection()
        with default_settings():
            collection.scan_file(str(folder / row["file"]))
        has_secret = any(True for _ in collection)
        seconds["detect-secrets"] += time.process_time() - begun
        is_wanted = row["wanted"] != "0"
        for name in names:
            tell(scores["ours"][name], name == row["detector"], is_wanted, name in ours)
            if name in PRESIDIO:
                tell(scores["presidio"][name], name == row["detector"], is_wanted, bool(PRESIDIO[name] & entities))
        # Its findings are of no kind that could be told apart: those in files for other detectors are not held against one.
        if row["detector"] in secrets_names:
            tell(scores["detect-secrets"][row["detector"]], True, is_wanted, has_secret)
        tell(scores["detect-secrets"]["(any secret)"], row["detector"] in secrets_names, is_wanted, has_secret)
        tell(scores["ours"]["(any secret)"], row["detector"] in secrets_names, is_wanted, any(name in secrets_names for name in ours))
    versions = {name: importlib.metadata.version(name) for name in ("presidio-analyzer", "detect-secrets")}
    print(f"| detector | ours | Presidio {versions['presidio-analyzer']} | detect-secrets {versions['detect-secrets']} |")
    print("| --- | --- | --- | --- |")
    for name in names + ["(any secret)"]:
        other = [str(scores[tool][name]) if name in scores[tool] else "has none" for tool in ("presidio", "detect-secrets")]
        print(f"| {name} | {scores['ours'][name]} | {other[0]} | {other[1]} |")
    size = sum((folder / row["file"]).stat().st_size for row in rows) / 1e6
    print(f"\n{len(rows)} files, {size:.1f} MB; Presidio took {seconds['presidio']:.0f} CPU seconds, detect-secrets {seconds['detect-secrets']:.0f}.")


def tell(score, is_its_file, is_wanted, is_found):
    if is_its_file and is_wanted:
        score.wanted += 1
        score.right += is_found
    elif is_found:
        score.wrong += 1


main()
