"""Amazon S3 and S3-compatible stores: settings, credentials and requests.

Nothing here is imported unless a setting names a bucket.
"""
