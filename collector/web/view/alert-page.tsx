/** One alert on its own page. */
import { detail, loadDetail, shownAlert } from '../desk.ts'
import { addressOf, route } from '../route.ts'
import { AlertView } from './alert-view.tsx'
import { Icon } from './mark.tsx'
import { Failed, Loading, Notice } from './notice.tsx'

export function AlertPage({ id }: { id: string }): preact.JSX.Element {
  const alert = shownAlert.value
  const now = detail.value
  return (
    <article class="alert-page">
      <div class="above"><a class="back" href={addressOf('/queue', route.value.query, { at: id })}><Icon name="back" /> Queue</a></div>
      {alert !== undefined ? <AlertView key={alert.id} alert={alert} alone />
        : now?.state !== 'failed' ? <Loading rows={5} label="The alert is being read" />
          : now.failure.code === 'E_NOT_FOUND' ? <Notice kind="empty" title="This alert does not exist" text="It may belong to a run that was removed." />
            : <Failed failure={now.failure} retry={() => { void loadDetail(id) }} />}
    </article>
  )
}
