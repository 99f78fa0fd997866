"""A small company of the shape of IBM's Telco churn file: a snapshot of attributes with a label, some totals blank."""

import numpy as np
import pandas as pd


def telco(customers: int = 900, seed: int = 5) -> pd.DataFrame:
    """Monthly contracts, fibre and short tenure leave; the other columns say nothing."""
    random = np.random.default_rng(seed)
    tenure = random.integers(0, 73, customers)
    contract = random.choice(["Month-to-month", "One year", "Two year"], customers, p=[0.55, 0.21, 0.24])
    internet = random.choice(["DSL", "Fiber optic", "No"], customers)
    monthly = np.where(internet == "No", 20, np.where(internet == "DSL", 55, 90)) + random.normal(
        0, 5, customers
    ).round(2)
    logit = -0.8 + 1.2 * (contract == "Month-to-month") + 0.9 * (internet == "Fiber optic") - 0.04 * tenure
    yes = {name: random.choice(["Yes", "No"], customers) for name in (
        "Partner", "Dependents", "PhoneService", "MultipleLines", "OnlineSecurity", "OnlineBackup", "DeviceProtection",
        "TechSupport", "StreamingTV", "StreamingMovies", "PaperlessBilling",
    )}  # fmt: skip
    return pd.DataFrame({
        "customerID": [f"{number:04d}-TEST" for number in range(customers)],
        "gender": random.choice(["Female", "Male"], customers), "SeniorCitizen": random.integers(0, 2, customers),
        "tenure": tenure, **yes, "InternetService": internet, "Contract": contract,
        "PaymentMethod": random.choice(["Electronic check", "Mailed check"], customers),
        "MonthlyCharges": monthly.round(2),
        "TotalCharges": np.where(tenure == 0, " ", np.char.mod("%.2f", monthly * tenure)),
        "Churn": np.where(random.random(customers) < 1 / (1 + np.exp(-logit)), "Yes", "No"),
    })  # fmt: skip
