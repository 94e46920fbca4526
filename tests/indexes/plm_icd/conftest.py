import pytest

from indexes.plm_icd.config import PLMConfig


@pytest.fixture(scope="session")
def tiny_config(tiny_encoder):
    return PLMConfig(
        encoder=str(tiny_encoder),
        chunk_tokens=24,
        head_epochs=4,
        epochs=6,
        patience=6,
        frozen_layers=0,
        head_rate=0.05,
        encoder_rate=0.005,
        dropout=0.0,
        validation_share=0.25,
    )


@pytest.fixture(scope="session")
def trained(coded_notes, tiny_config, system):
    from indexes.plm_icd.train import train

    return train(coded_notes, system, tiny_config)
