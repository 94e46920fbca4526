"""Validates bundles against the models of the package fhir.resources (optional extra ``fhir``)."""

from typing import Any

from knowledge.errors import UserError


def validate_bundle(bundle: dict[str, Any]) -> None:
    """See that a bundle has the structure that FHIR R4B prescribes.

    Raises:
        UserError: The package is not installed.
        pydantic.ValidationError: It has not; that is a defect of ours.
    """
    try:
        from fhir.resources.R4B.bundle import Bundle
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("fhir", "fhir_core"):
            raise
        raise UserError(
            "--validate needs the package fhir.resources", fix="pip install 'icd-agent[fhir]'"
        ) from error
    Bundle.model_validate(bundle)
