def run_sqlite(folder):
    raise NotImplementedError


def run_postgres(folder):
    raise NotImplementedError
