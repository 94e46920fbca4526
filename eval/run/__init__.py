"""``icd-agent eval run``: systems x one data set, from a configuration file to figures."""
