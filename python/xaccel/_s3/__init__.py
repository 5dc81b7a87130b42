"""Amazon S3 and S3-compatible stores: settings, credentials and requests.

This package is imported only if a setting names a bucket.
"""
