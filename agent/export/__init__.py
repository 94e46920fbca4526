"""Results in the formats of other software: FHIR R4 and CSV."""
